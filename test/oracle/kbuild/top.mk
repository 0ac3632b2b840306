# The top Makefile of the tree $(tree), with two goals more: what `make all` descends into after `prepare`, as lists
# (lists.mk) and as the commands that would run.
include $(tree)/Makefile

.PHONY: lists commands
lists:
	@echo 'linked $(KBUILD_VMLINUX_OBJS) $(KBUILD_VMLINUX_LIBS)'
	@$(MAKE) -f $(here)/lists.mk obj=. need-builtin=1 need-modorder=1 lists
commands:
	+@$(MAKE) --dry-run --keep-going $(build)=. need-builtin=1 need-modorder=1 KBUILD_MODULES=1 \
	c_flags= a_flags= cpp_flags= rust_flags=

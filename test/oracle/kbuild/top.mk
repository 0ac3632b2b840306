# The top Makefile of the tree $(tree), and the descent of `make all` with lists.mk in place of builds.
include $(tree)/Makefile

.PHONY: lists
lists:
	@echo 'linked $(KBUILD_VMLINUX_OBJS) $(KBUILD_VMLINUX_LIBS)'
	@$(MAKE) -f $(here)/lists.mk obj=. need-builtin=1 need-modorder=1 lists

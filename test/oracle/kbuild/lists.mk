# Prints what scripts/Makefile.build would put into the archives and modules of the directory $(obj), and descends where it would.
include $(srctree)/scripts/Makefile.build

$(info vmlinux $(if $(filter $(obj)/built-in.a,$(targets-for-builtin)),$(filter %.o,$(real-obj-y))))
ifdef CONFIG_MODULES
$(info $(if $(need-modorder),module,unlinked) $(if $(targets-for-modules),$(filter %.o,$(real-obj-m))))
endif
$(info lib $(obj)/lib.a $(if $(filter $(obj)/lib.a,$(targets-for-builtin)),$(filter %.o,$(lib-y))))
$(info extra $(filter %.o,$(extra-y) $(always-y)))

descents := $(addprefix descend-into/,$(subdir-ym))
.PHONY: lists $(descents)
lists: $(descents)
	@:
$(descents): descend-into/%:
	@$(MAKE) -f $(here)/lists.mk obj=$* \
	need-builtin=$(if $(filter $*/built-in.a,$(subdir-builtin)),1) \
	need-modorder=$(if $(filter $*/modules.order,$(subdir-modorder)),1) lists

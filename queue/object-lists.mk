# Prints those objects named in the file $(wanted_list) that scripts/Makefile.build would put into the archives and modules of the directory $(obj),
# and descends where it would, on the way to one of them.
include $(srctree)/scripts/Makefile.build

wanted := $(shell cat $(wanted_list))
in-tree = $(filter $(wanted),$(patsubst ./%,%,$(filter %.o,$(1))))

$(info vmlinux $(if $(filter $(obj)/built-in.a,$(targets-for-builtin)),$(call in-tree,$(real-obj-y))))
$(info vmlinux $(if $(filter $(obj)/lib.a,$(targets-for-builtin)),$(call in-tree,$(lib-y))))
ifdef CONFIG_MODULES
$(info module $(if $(need-modorder),$(if $(targets-for-modules),$(call in-tree,$(real-obj-m)))))
endif

on-the-way := $(foreach dir,$(subdir-ym),$(if $(filter $(patsubst ./%,%,$(dir))/%,$(wanted)),$(dir)))
descents := $(addprefix descend-into/,$(on-the-way))
.PHONY: lists $(descents)
lists: $(descents)
	@:
$(descents): descend-into/%:
	@$(MAKE) -f $(here)/object-lists.mk obj=$* \
	need-builtin=$(if $(filter $*/built-in.a,$(subdir-builtin)),1) \
	need-modorder=$(if $(filter $*/modules.order,$(subdir-modorder)),1) lists

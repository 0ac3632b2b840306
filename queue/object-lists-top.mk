# The top Makefile of the tree $(tree), with one goal more: where the objects named in $(wanted_list) go, by the tree's own makefiles.
include $(tree)/Makefile

.PHONY: lists
lists:
	@$(MAKE) -f $(here)/object-lists.mk obj=. need-builtin=1 need-modorder=1 lists

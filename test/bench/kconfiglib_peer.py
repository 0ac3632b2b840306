"""kconfiglib_peer.py DATA CONFIG OUTPUT: olddefconfig by Debian's Kconfiglib, which is of 2020.

DATA is JSON: "answers" (of shell commands, recorded) and "texts" (Kconfig files with what Kconfiglib does not
know put into older words; test/bench/kconfiglib.ts). $srctree and the rest come through the environment.
"""
import io
import json
import sys

import kconfiglib

data_path, config_path, output_path = sys.argv[1:]
with open(data_path, encoding="utf-8") as data_file:
    data = json.load(data_file)
answers, texts = data["answers"], data["texts"]


class Peer(kconfiglib.Kconfig):
    def _open(self, filename, mode):
        text = texts.get(filename) if mode == "r" else None
        return super()._open(filename, mode) if text is None else io.StringIO(text)


kconfiglib._shell_fn = lambda _kconf, _name, command: answers[command]
peer = Peer("Kconfig", warn=False)
peer.load_config(config_path)
peer.write_config(output_path, save_old=False)

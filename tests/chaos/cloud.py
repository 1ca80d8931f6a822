"""A speech service far away: the double of Deepgram, and how it feels."""
import json
import os
import shutil
import subprocess
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))

# What the double is told; "stall" and "half_open" lose what would have been said.
MOODS = {
    "ok": {},
    "refuse": {"reset": True, "status": 503},
    "cut": {"reset": True, "listen": False},
    "hang": {"stall": True, "delay_ms": 8000},
    "drop": {"stall": True, "no_metadata": True, "status": 504, "on": "batch"},
    "late": {"late_ms": 500, "late_final_ms": 3000, "delay_ms": 3000},
    "stall": {"half_open": True, "delay_ms": 3000},
}


def prepare(folder):
    """What rtta-stt needs in its environment to find the services."""
    shutil.copytree(f"{HERE}/../../share/engines", f"{folder}/engines")
    with os.fdopen(os.open(f"{folder}/key", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("test-key\n")
    return {"RTTA_ENGINE_DIR": f"{folder}/engines", "RTTA_ENGINE_KEY_FILE": f"{folder}/key"}


class Cloud:
    """One process, and the profiles NAME and NAME-batch that lead to it."""

    def __init__(self, folder, name, engine):
        self.folder, self.name, self.control, self.mood = folder, name, None, "ok"
        with open(f"{folder}/{name}.ports", "w") as ports, open(f"{folder}/{name}.log", "a") as log:
            self.child = subprocess.Popen(
                [f"{HERE}/../double/deepgram", "--ceiling", "0", "--engine", engine],
                stdin=subprocess.DEVNULL, stdout=ports, stderr=log, cwd=folder, process_group=0)

    def is_there(self):
        with open(f"{self.folder}/{self.name}.ports") as f:
            line = f.readline()
        if not line.endswith("\n"):
            return False
        ports = json.loads(line)
        self.control = ports["control"]
        at = f"127.0.0.1:{ports['port']}/v1/listen"
        self.profile("", extends="deepgram", backfill=f"{self.name}-batch", url=f"ws://{at}", deaf_s=6)
        self.profile("-batch", extends="deepgram-batch", url=f"http://{at}")
        self.feel("ok")
        return True

    def profile(self, suffix, **told):
        with open(f"{self.folder}/engines/{self.name}{suffix}.json", "w") as f:
            json.dump(told, f)

    def feel(self, mood):
        """From now on.  Finals are revised; no connection goes on that has lost some."""
        order = {"clear": True, "revise": True, "listen": True, **MOODS[mood]}
        if {"stall", "half_open"} & set(MOODS[self.mood]):
            order["reset"] = True
        self.mood = mood
        urllib.request.urlopen(f"http://127.0.0.1:{self.control}/_do",
                               json.dumps(order).encode(), timeout=20).close()

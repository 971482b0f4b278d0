"""The 36 channels of the guide's table, each with a value of its own."""

import hashlib

AWKWARD = "tgcanary_p+w/9=&\"q'<\u00e9>" + "x4Y" * 7

CHANNELS = {
    1: "text of a message",
    2: "argument of a message (`%s`)",
    3: "value split between message and argument",
    4: "`extra=` field",
    5: "message of a logged exception",
    6: "cause of a logged exception",
    7: "note of a logged exception",
    8: "source line in a traceback",
    9: "object shown by `%r`",
    10: "logger of another library",
    11: "handler added later",
    12: "logging's own report of a bad record",
    13: "logger without a handler (`lastResort`)",
    14: "`warnings.warn`",
    15: "`print`",
    16: "value written to a stream in two pieces",
    17: "`os.write`, C code",
    18: "child process",
    19: "uncaught exception in a thread",
    20: "exception in a destructor",
    21: "asyncio exception that was never retrieved",
    22: "bytes shown by `%r`",
    23: "base64",
    24: "URL, JSON and Python quoting",
    25: "`SocketHandler` (pickle)",
    26: "`HTTPHandler` (fields)",
    27: "`QueueHandler` of its own logger",
    28: "nested `extra=`",
    29: "uncaught exception of the program",
    30: "`http.client` debug output",
    31: "exception group",
    33: "`argparse` error",
    36: "mapping as arguments",
    37: "exception as argument",
    38: "message that is not text",
    39: "`traceback.print_exc`",
}


def value_of(number: int) -> str:
    return "tgcanary_" + hashlib.sha256(b"channel %d" % number).hexdigest()[:36]

"""`redact` in a process that goes on afterwards."""

import signal


def test_interrupts_reach_the_process_again_once_the_pipe_has_ended(cli):
    before = signal.getsignal(signal.SIGINT)
    assert before is not signal.SIG_IGN
    assert cli("redact").code == 0
    assert signal.getsignal(signal.SIGINT) is before

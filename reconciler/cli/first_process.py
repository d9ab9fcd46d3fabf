"""The first process of a container, which the kernel treats unlike any other: a signal that it has
no handler for is lost on it, so that a second one could not kill it, and it has to reap processes
that lost their parents. So it does nothing else, and the program is its child."""

from __future__ import annotations

import os
import signal

_PASSED_ON = frozenset(
    {
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)
_WATCHED = _PASSED_ON | {signal.SIGCHLD}
_BY_THE_TERMINAL = 0x80  # SI_KERNEL of sigaction(2)


def stay_behind() -> None:
    """Return as the child that is to be the program.

    The first process passes signals on to it and ends with its exit code: 128 and the number of the
    signal if one has killed it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        return
    _reap(child)  # whose signals came before they were watched
    while True:
        caught = signal.sigwaitinfo(_WATCHED)
        if caught.si_signo == signal.SIGCHLD:
            _reap(child)
            continue
        # A terminal sends Ctrl-C to both, and the second one would kill the child.
        # safeguard: terminal-signals-once
        if caught.si_code != _BY_THE_TERMINAL:
            os.kill(child, caught.si_signo)


def _reap(child: int) -> None:
    """Take note of all that have ended; end with the child."""
    # Several that end together send one signal.
    # safeguard: orphans-are-reaped
    while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
        if ended[0] == child:
            code = os.waitstatus_to_exitcode(ended[1])
            os._exit(code if code >= 0 else 128 - code)

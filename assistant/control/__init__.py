"""The control socket: how a running assistant is asked and told things from outside. `docs/control.md` is its manual.

`protocol.py` says what may be sent, `server.py` answers, `client.py` asks; `commands.py` has what is done.
"""

# Every target is one line over tools/start.py, which needs Python 3.11 to 3.13 and nothing else.
PYTHON ?= python3
export SERVE RUN PORT

.PHONY: help book test run verify sync problems lab bench lint clean
help book test run verify sync problems lab bench lint clean:
	@$(PYTHON) tools/start.py $@

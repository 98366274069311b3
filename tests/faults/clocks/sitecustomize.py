"""Found by Python at the start of a worker whose clock is to be off: what Python calls the time of day is so wrong.

Sleeping, deadlines and the event loop go by a clock that nobody sets, as they would on such a machine.
"""

import os
from datetime import datetime, timedelta

import time_machine

off_by = timedelta(seconds=float(os.environ["FAULTS_CLOCK_OFF_BY"]))
time_machine.travel(datetime.now().astimezone() + off_by, tick=True).start()

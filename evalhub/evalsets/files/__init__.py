"""Reading uploaded files safely: in a child process with limits, row by row, into a file that COPY takes as it is.

``staging`` is the door for the web process and the worker; ``mapping`` and ``guessing`` say which column is what;
``canonical`` writes the lines of a version's download. Nothing here imports Django.
"""

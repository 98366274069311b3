"""The demo endpoint's four "models": small honest programs that read a request and answer it, each in its own way.

None is a language model, and none ever sees an expected answer. Nothing is imported here, because Django imports this
package with the demo app.
"""

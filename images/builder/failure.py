"""The one error of the image builder that is shown without a traceback."""


class BuildFailure(Exception):
    pass

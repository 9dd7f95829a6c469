"""A plugin's own function. In Lambda, standard output is taken before anything of the plugin's runs."""

import os

from penstock.output import take

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    take()

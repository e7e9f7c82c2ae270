"""Several devices and machines that train phi together."""

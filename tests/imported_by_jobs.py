"""Imports what jobs import, except for modules that define flags."""

import gc

import sib_tf.beam.runner
import sib_tf.experiments.families
import sib_tf.experiments.publishing
import sib_tf.experiments.reference.conversion
import sib_tf.search.step
import sib_tf.serving.client.model  # noqa: F401

# A collection in a forked process would look at all that was imported, and thereby copy it.
gc.freeze()

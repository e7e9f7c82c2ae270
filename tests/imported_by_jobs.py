"""Imports what jobs import, except for modules that define flags."""

import sib_tf.beam.runner
import sib_tf.experiments.families
import sib_tf.experiments.publishing
import sib_tf.experiments.reference.conversion
import sib_tf.experiments.results_summary
import sib_tf.search.step
import sib_tf.serving.client.model  # noqa: F401

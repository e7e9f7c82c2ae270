"""How Apache Beam is run here: engines, records, counters."""

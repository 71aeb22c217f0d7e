"""Service logs as witnesses: from oslo.log's lines of 2011 to now to the events that they tell of."""

"""lambda: theta^0, the weights before any query is seen; from the support set if there is one."""

"""Many candidates: cost, synthesis, repair, campaigns, the discussion of 2019."""

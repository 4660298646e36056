sequenceDiagram
  participant t0 as shared by all
  participant t1 as MIGRATION
  Note over t0,t1: host violates never
  t1->>t0: 1. MIGRATION#58; go.a#124;b page 0
  Note right of t1: a #123;0#125;

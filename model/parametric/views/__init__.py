"""Any number of identical processes, decided: small numbers of them refute, views prove.

Where pages are independent (`parametric.cutoff`), what is left of a design is one page, a finite shared part, and any
number of processes that look alike: clients, vCPUs, writers. They take locks, act, choose a partner and hear what is
done to all of them at once. Adding a process takes no behaviour away, so a view, a few processes beside the shared
part, is all that has to be looked at.

Source: Abdulla, Haziza, Holik: "All for the Price of Few (Parameterized Verification through View Abstraction)",
VMCAI 2013; Esparza, Finkel, Mayr: "On the Verification of Broadcast Protocols", LICS 1999.
"""

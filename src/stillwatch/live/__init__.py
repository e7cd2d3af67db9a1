"""The live service without its HTTP face: exchanges in, known campaigns kept fresh, decisions out.

Data flows one way here too: ``segments`` and ``seen`` keep what came, ``mining`` scans it, ``watch`` follows campaigns
and decides, ``engine`` runs them beside each other, ``replay`` runs them over history in simulated time.
"""

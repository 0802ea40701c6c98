"""Microsoft Dynamics GP: sales documents through eConnect."""

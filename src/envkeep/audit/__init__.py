"""The supply chain: vulnerabilities, licenses, the bill of materials."""

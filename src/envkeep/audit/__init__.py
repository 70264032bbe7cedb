"""What is known of the supply: vulnerabilities, licenses, the bill of materials."""

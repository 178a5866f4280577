"""What is measured rather than tested: figures depend on the machine, so no test asks for them."""

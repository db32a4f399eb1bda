"""What makes packages of the program: wheel and stand-alone bundle."""

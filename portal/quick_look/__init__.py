"""One photograph, an answer within seconds, deleted soon."""

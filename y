bash: x: No such file or directory

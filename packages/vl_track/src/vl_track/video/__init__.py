"""Reading and writing of video."""

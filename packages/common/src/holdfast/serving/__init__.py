"""What the local web pages share: who may come in, folders for what they send, and the server.

The pages are plain HTML and JavaScript from the packages, served by Starlette and uvicorn.
"""

access_token = ""

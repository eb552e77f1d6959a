package builder

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestFilesThatLookSecret(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		".env": true, "app/.env": true, ".env.production": true, "deploy/id_rsa": true, "a/b/server.key": true,
		"home/.aws/credentials": true, ".docker/config.json": true, "infra/prod.tfstate": true,
		".env.example": false, "id_rsa.pub": false, "environment": false, "config.json": false, "credentials": false,
		"main.go": false, "keys.go": false, "monkey": false, "env": false, "certs/ca.pem": false,
	} {
		assert.Equal(t, looksSecret(file), want, file)
	}
}

func TestArgumentsThatLookSecret(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"DB_PASSWORD": true, "npm_token": true, "API_KEY": true, "APIKEY": true, "CLIENT_SECRET": true,
		"VERSION": false, "HTTP_PROXY": false, "KEYBOARD": false, "BASE": false,
	} {
		assert.Equal(t, secretArgs.MatchString(name), want, name)
	}
}

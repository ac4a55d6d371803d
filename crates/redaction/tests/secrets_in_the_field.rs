//! Secrets as people and programs write them: in sentences, commands, headers, cookies and URLs. What stands in
//! `⟨⟩` must be masked; a text without must stay as it is.

use stinger_audit_redaction::{Entity, Redactor, Rules};

/// Holds that what stands in brackets, and nothing else, is replaced in each text.
fn assert_masked(texts: &[&str]) {
    let redactor = Redactor::new(Rules::new(), None);
    let mut failures = Vec::new();
    for marked in texts {
        let text = marked.replace(['⟨', '⟩'], "");
        let mut redacted = redactor.redact(&text).text.into_owned();
        let shown = redacted.clone();
        for entity in Entity::ALL {
            redacted = redacted.replace(&format!("[{entity}]"), "⟨⟩");
        }
        let mut expected = String::new();
        for (place, part) in marked.split(['⟨', '⟩']).enumerate() {
            expected.push_str(if place % 2 == 0 { part } else { "⟨⟩" });
        }
        if redacted != expected {
            failures.push(format!("{marked}\n   -> {shown}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        texts.len(),
        failures.join("\n")
    );
}

#[test]
fn passwords_in_sentences_are_masked() {
    assert_masked(&[
        "the admin password is ⟨hunter2-not-real⟩, keep it",
        "The password is ⟨hunter2⟩.",
        "password is now ⟨S3cr3tPass99⟩",
        "my password was changed to ⟨S3cr3tPass99⟩ yesterday",
        "The password has been set to ⟨S3cr3tPass99⟩.",
        "please reset the password to ⟨S3cr3tPass99⟩ today",
        "the password for the staging database is ⟨S3cr3tPass99⟩",
        "The password of the admin user is: ⟨S3cr3tPass99⟩",
        "Password for ops: ⟨S3cr3tPass99⟩",
        "Password (temporary): ⟨S3cr3tPass99⟩",
        "**Password**: ⟨S3cr3tPass99⟩",
        "user ops and password ⟨S3cr3tPass99⟩",
        "log in with password ⟨Qr7!dke#39⟩.",
        "accessed with password '⟨WinterIsComing!$⟩'",
        "her password was '⟨KnightRider!⟩', along with",
        "the password is \"⟨swordfish⟩\"",
        "the password is “⟨S3cr3tPass99⟩”",
        "the passphrase is \"⟨correct horse battery staple⟩\"",
        "the wifi password is ⟨correct-horse-battery-staple⟩",
        "my pwd is ⟨S3cr3tPass99⟩ thanks",
        "pwd: ⟨S3cr3tPass99⟩",
        "passwd=⟨S3cr3tPass99⟩",
        "password: ⟨hunter2⟩",
        "Password = ⟨hunter2⟩",
        "PGPASSWORD=⟨hunter2⟩",
        "PGPASSWORD=⟨letmein⟩ psql -h db",
        "MYSQL_PWD=⟨S3cr3tPass99⟩ mysql",
        "user: ops pass: ⟨S3cr3tPass99⟩",
        "⟨S3cr3tPass99⟩ is the password.",
        "use ⟨S3cr3tPass99⟩ as the admin password for now",
        "the api key is ⟨a1b2c3d4e5f6⟩",
        "the secret is ⟨S3cr3tPass99⟩",
        "your access token is ⟨a1b2c3d4e5f6g7h8i9⟩",
        "Kennwort ist: x, das Passwort lautet anders; Passwort: ⟨S3cr3tPass99⟩",
        "ALTER USER app WITH PASSWORD '⟨S3cr3tPass99⟩';",
        "{\"text\": \"the password is ⟨S3cr3tPass99⟩\"}",
        "{\"text\": \"hi\\nthe password is ⟨S3cr3tPass99⟩\\nbye\"}",
    ]);
}

#[test]
fn what_is_said_about_a_password_stays() {
    assert_masked(&[
        "the password is wrong",
        "The password is wrong!",
        "the password is case-sensitive and well-known",
        "the password is \"wrong\"",
        "the password is required, the password is 'required'",
        "your password must have at least 8 characters",
        "the password is 8-16 characters long",
        "a password of 12 characters",
        "the password is base64-encoded, then SHA-256 hashed",
        "the password is stored as bcrypt2 hash",
        "the password is hashed with argon2id",
        "the password is in config/app.yaml",
        "the password is $DB_PASSWORD or <password>",
        "the password is ******** there",
        "reset your password in 2 minutes",
        "Failed password for root from 2 hosts",
        "check pass; user unknown",
        "password policy v2.1.3 and password reset",
        "forgotten password issue at Bank24",
        "the token is expired, the secret is out",
        "the key is under the mat",
        "the token count is 1234",
        "the api key is missing",
        "password: string",
        "password: required",
        "password: sha256",
        "PWD=/home/ops",
        "the session token limit is 4096tokens",
        "passwords are hashed; passwords were leaked in 2024",
        "OAuth2 is the password flow",
        "compass pass 3 of 7",
    ]);
}

#[test]
fn passwords_on_command_lines_are_masked() {
    assert_masked(&[
        "sshpass -p '⟨S3cr3t-Pass99⟩' ssh ops@h",
        "sshpass -p⟨S3cr3t-Pass99⟩ ssh ops@h",
        "docker login -u ci -p ⟨S3cr3tPass99⟩ r.example",
        "docker login -u ci --password ⟨letmein⟩ r.example",
        "podman login -u ci -p \"⟨S3cr3tPass99⟩\" quay.io",
        "helm registry login -u ci -p ⟨S3cr3tPass99⟩ r.example",
        "helm repo add r https://c.example --username ci --password ⟨S3cr3tPass99⟩",
        "az login --service-principal -u app -p ⟨S3cr3tPass99⟩ --tenant t",
        "gcloud sql users set-password root --instance=i --password=⟨S3cr3tPass99⟩",
        "kubectl create secret docker-registry r --docker-password=⟨S3cr3tPass99⟩",
        "kubectl create secret generic s --from-literal=password=⟨S3cr3tPass99⟩",
        "aws rds create-db-instance --master-user-password ⟨S3cr3tPass99⟩ --x",
        "mysql -u root -p⟨S3cr3tPass99⟩ shop",
        "mysqldump -uroot -p'⟨S3cr3tPass99⟩' shop > dump.sql",
        "redis-cli -h cache -a ⟨S3cr3tPass99⟩ ping",
        "mongosh -u app -p ⟨S3cr3tPass99⟩ --host db",
        "wget --user=ci --password=⟨S3cr3tPass99⟩ https://d.example/x",
        "wget --password ⟨S3cr3tPass99⟩ https://d.example/x",
        "htpasswd -b /etc/nginx/htpasswd ops ⟨S3cr3tPass99⟩",
        "htpasswd -nbB ops ⟨S3cr3tPass99⟩",
        "openssl rsa -in k.pem -passin pass:⟨S3cr3tPass99⟩ -out o.pem",
        "openssl pkcs12 -export -passout pass:⟨letmein⟩",
        "keytool -list -storepass ⟨changeit1⟩",
        "ldapsearch -x -D cn=admin -w ⟨S3cr3tPass99⟩ -b dc=example",
        "sqlcmd -S db -U sa -P ⟨S3cr3tPass99⟩",
        "curl -u ⟨user:pass⟩ https://a.example",
        "curl --user '⟨user:pass⟩' https://a.example",
        "curl -s -u\"⟨ops:S3cr3tPass99⟩\" https://a.example",
        "curl --proxy-user ⟨ops:S3cr3tPass99⟩ https://a.example",
        "{\"cmd\": \"curl -u ⟨user:pass⟩\", \"x\": \"y\"}",
        "{\"cmd\": \"sshpass -p \\\"⟨S3cr3tPass99⟩\\\" ssh h\"}",
        "machine a.example login ci password ⟨S3cr3tPass99⟩",
        "machine a.example\n  login ci\n  password ⟨swordfish⟩\n",
        "default login ci password ⟨swordfish⟩",
        "db.example:5432:app:ci:⟨S3cr3tPass99⟩",
        "*:*:*:postgres:⟨S3cr3tPass99⟩",
        "tool --api-key ⟨a1b2c3d4e5f6g7h8⟩ run",
    ]);
}

#[test]
fn options_without_secrets_stay() {
    assert_masked(&[
        "docker run -p 8080:80 nginx",
        "docker run -u 1000:1000 nginx",
        "ssh -p 2222 ops@h",
        "mkdir -p a/b",
        "mysql -u root -p shop",
        "mysql -u root -p",
        "nmap -p 80,443 h",
        "ps -p 1234; cp -p a b",
        "docker login --password-stdin r.example",
        "sshpass -p \"$PASS\" ssh h",
        "sshpass -f file ssh h",
        "docker login -u ci -p ${TOKEN} r.example",
        "curl -u \"$USER:$PASS\" https://a.example",
        "curl -u ops https://a.example",
        "curl -k https://a.example:8443/x",
        "curl -u \"username:password\" https://a.example",
        "openssl rsa -passin env:PASS -passin stdin -passout file:/run/p",
        "wget --password \"$PASS\" https://d.example",
        "use --password to set it, or --token for the other",
        "git commit -a -m text && git push -u origin main",
        "zip -r a.zip dir; unzip a.zip -d dir",
        "redis-cli -h cache -p 6379 ping",
        "- a list item\n-- a dash --- and more",
        "main.rs:120:5:error: x",
    ]);
}

#[test]
fn credentials_in_headers_and_cookies_are_masked() {
    assert_masked(&[
        "Authorization: Basic ⟨dXNlcjpwYXNz⟩",
        "Proxy-Authorization: Basic ⟨dXNlcjpwYXNz⟩",
        "curl -H 'Authorization: Basic ⟨dXNlcjpwYXNz⟩' https://a.example",
        "Authorization: Bearer ⟨a1b2c3d4e5f6g7h8⟩",
        "Authorization: Bearer ⟨123e4567-e89b-12d3-a456-426614174000⟩",
        "Authorization: ⟨123e4567-e89b-12d3-a456-426614174000⟩",
        "apikey: ⟨123e4567-e89b-12d3-a456-426614174000⟩",
        "X-Api-Key: ⟨123e4567-e89b-12d3-a456-426614174000⟩",
        "X-Api-Key: ⟨a1b2c3d4e5f6g7h8⟩",
        "x-auth-token: ⟨a1b2c3d4e5f6g7h8⟩",
        "Cookie: session=⟨ZZ1exampleSession0001⟩",
        "Cookie: theme=dark; session=⟨ZZ1exampleSession0001⟩; lang=en-US",
        "Set-Cookie: sid=⟨ZZ1exampleSession0001⟩; Path=/; HttpOnly; Max-Age=12345678; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        "{\"Cookie\": \"session=⟨ZZ1exampleSession0001⟩\", \"x\": \"y\"}",
        "JSESSIONID=⟨0A1B2C3D4E5F60718293A4B5C6D7E8F9⟩",
        "jwt_token: ⟨eyabc.eydef.sig⟩",
        "Authorization: Bearer ⟨eyabc.eydef.sig⟩",
    ]);
}

#[test]
fn headers_and_cookies_without_credentials_stay() {
    assert_masked(&[
        "Authorization: Bearer <token>",
        "Authorization: Basic <credentials>",
        "Authorization: Bearer XXXXXXXXXXXX",
        "Cookie: theme=dark; lang=en-US; consent=true",
        "Cookie: consent=2026-01-15; page=3",
        "request_id: 123e4567-e89b-12d3-a456-426614174000",
        "session_id=123e4567-e89b-12d3-a456-426614174000",
        "idempotency-key: 123e4567-e89b-12d3-a456-426614174000",
        "key_id: 123e4567-e89b-12d3-a456-426614174000",
        "WWW-Authenticate: Basic realm=users",
        "X-Api-Key: required",
    ]);
}

#[test]
fn signed_urls_and_passwords_in_urls_are_masked() {
    assert_masked(&[
        "?sv=2025-01-05&sig=⟨aBcD%2FefGh1JkLmNoPqRsTuVwXyZ0123456789abcd%3D⟩",
        "https://a.blob.core.windows.net/c?sig=⟨aBcD%2FefGh1JkLmNoPqRsTuVwXyZ0123456789abcd%3D⟩&se=2026-01-05",
        "https://b.s3.amazonaws.com/k?X-Amz-Date=20260115T000000Z&X-Amz-Signature=⟨fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024⟩",
        "https://storage.googleapis.com/b/o?X-Goog-Signature=⟨a1b2c3d4e5f60718293a4b5c6d7e8f90⟩",
        "postgres://app:⟨p/w#9x⟩@db.example/m",
        "postgres://app:⟨p?w#9x⟩@db:5432/m",
        "postgres://app:⟨p@ss/w#9⟩@db.example/m",
        "mysql://root:⟨p/w?9⟩@⟨127.0.0.1⟩/x",
        "redis://:⟨p/w#9x⟩@cache:6379/0",
        "amqp://ops:⟨p#w9⟩@broker:5672/v",
        "mongodb+srv://u:⟨p/w#9⟩@cluster0.mongodb.net/x?retryWrites=true",
        "postgres://app:⟨1234/5⟩@db/m",
        "postgres://app:⟨s3cret⟩@db/m?email=x",
        "git+https://u:⟨s3cret⟩@gitea/org/repo.git@v1.0",
        "⟨https://hooks.slack.com/workflows/T01ABCD2EFG/A01ABCD2EFG/123456789012345678/a1B2c3D4e5F6g7H8i9J0k1L2⟩",
    ]);
}

#[test]
fn urls_without_secrets_stay() {
    assert_masked(&[
        "https://example.com:8080/path@2x/img",
        "http://web:3000/users/@me",
        "https://medium.com/@user/post",
        "https://registry.npmjs.org/@scope/pkg@1.2.3",
        "https://a.example/?sign=up&sig=none&signature=HMAC-SHA256",
        "docker://alpine:3.18@sha256:abc",
    ]);
}

#[test]
fn formats_that_were_missed_are_masked() {
    assert_masked(&[
        "id ⟨AKIAABCDABCDABCDABCD⟩ here",
        "id ⟨ASIAZZZZZZZZZZZZZZZZ⟩ here",
        "id AKIAXXXXXXXXXXXXXXXX here",
        "⟨https://hooks.slack.com/triggers/T01ABCD2EFG/1234567890123/0a1b2c3d4e5f60718293a4b5c6d7e8f9⟩",
        "from ⟨fe80::1%eth0⟩ to",
        "from ⟨fe80::1%eth0/64⟩.",
        "http://[⟨fe80::1%25eth0⟩]/",
        "Please verify ⟨536 90 4399⟩ for John.",
        "His number is ⟨536 90 4399⟩",
        "my social security number that is on file there is ⟨536 90 4399⟩",
        "the sizes are 536 90 4399 12",
        "token ⟨eyJhbGciOiJub25lIn0.e30.⟩ ok",
    ]);
}

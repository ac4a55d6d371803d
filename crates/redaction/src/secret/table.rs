//! Published formats of keys: data, one line an entry, in the order of their names, which a test enforces.
//!
//! The comment of an entry is where its publisher documents the key. Where that page does not print the format, the
//! entry has that of the keys that the publisher issues.

use super::{
    Format,
    Part::{Lit, Run},
    Service,
    class::*,
};

/// Keys that are recognised by how they begin.
// rustfmt would spread an entry over up to twenty lines.
#[rustfmt::skip]
pub(crate) const FORMATS: &[Format] = &[
    Format { name: "1password-secret-key", parts: &[Lit("A3-"), Run(UPPER_ALNUM, 6, 6), Lit("-"), Run(UPPER_ALNUM, 11, 11), Lit("-"), Run(UPPER_ALNUM, 5, 5), Lit("-"), Run(UPPER_ALNUM, 5, 5), Lit("-"), Run(UPPER_ALNUM, 5, 5)], entropy: 3.8 }, // 1Password, About your Secret Key
    Format { name: "1password-secret-key", parts: &[Lit("A3-"), Run(UPPER_ALNUM, 6, 6), Lit("-"), Run(UPPER_ALNUM, 6, 6), Lit("-"), Run(UPPER_ALNUM, 5, 5), Lit("-"), Run(UPPER_ALNUM, 5, 5), Lit("-"), Run(UPPER_ALNUM, 5, 5), Lit("-"), Run(UPPER_ALNUM, 5, 5)], entropy: 3.8 }, // 1Password, About your Secret Key
    Format { name: "1password-service-account-token", parts: &[Lit("ops_eyJ"), Run(BASE64_PAD, 250, 2048)], entropy: 4.0 }, // 1Password Developer, Service accounts
    Format { name: "adobe-client-secret", parts: &[Lit("p8e-"), Run(ALNUM, 32, 32)], entropy: 2.0 }, // Adobe Developer Console, Credentials
    Format { name: "age-secret-key", parts: &[Lit("AGE-SECRET-KEY-1"), Run(BECH32_UPPER, 58, 58)], entropy: 0.0 }, // age file encryption, https://age-encryption.org/v1
    Format { name: "airtable-personal-access-token", parts: &[Lit("pat"), Run(ALNUM, 14, 14), Lit("."), Run(HEX, 64, 64)], entropy: 0.0 }, // Airtable, Personal access tokens
    Format { name: "alibaba-access-key-id", parts: &[Lit("LTAI"), Run(ALNUM, 20, 20)], entropy: 2.0 }, // Alibaba Cloud RAM, AccessKey pairs
    Format { name: "anthropic-admin-api-key", parts: &[Lit("sk-ant-admin01-"), Run(TOKEN, 93, 93), Lit("AA")], entropy: 0.0 }, // Claude API docs, Admin API
    Format { name: "anthropic-api-key", parts: &[Lit("sk-ant-api03-"), Run(TOKEN, 93, 93), Lit("AA")], entropy: 0.0 }, // Claude API docs, API overview, Authentication
    Format { name: "anthropic-key", parts: &[Lit("sk-ant-"), Run(TOKEN, 24, 250)], entropy: 3.0 }, // Claude API docs, API overview, Authentication
    Format { name: "anyscale-api-key", parts: &[Lit("esecret_"), Run(ALNUM, 26, 26)], entropy: 3.0 }, // Anyscale docs, API keys
    Format { name: "apify-api-token", parts: &[Lit("apify_api_"), Run(ALNUM, 30, 60)], entropy: 3.0 }, // Apify docs, API integration, API token
    Format { name: "artifactory-api-key", parts: &[Lit("AKCp"), Run(ALNUM, 69, 69)], entropy: 4.5 }, // JFrog Platform docs, Access tokens and API keys
    Format { name: "artifactory-reference-token", parts: &[Lit("cmVmd"), Run(ALNUM, 59, 59)], entropy: 4.5 }, // JFrog Platform docs, Access tokens and API keys
    Format { name: "atlassian-api-token", parts: &[Lit("ATATT3"), Run(URLSAFE_PAD, 186, 186)], entropy: 3.5 }, // Atlassian support, Manage API tokens
    Format { name: "authress-service-client-access-key", parts: &[Lit("sc_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc_"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("sc_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc-"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("ext_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc_"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("ext_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc-"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("scauth_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc_"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("scauth_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc-"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("authress_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc_"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "authress-service-client-access-key", parts: &[Lit("authress_"), Run(ALNUM, 5, 30), Lit("."), Run(ALNUM, 4, 6), Lit(".acc-"), Run(TOKEN, 10, 32), Lit("."), Run(BASE64_ANY, 30, 120)], entropy: 2.0 }, // Authress docs, Service client access keys
    Format { name: "aws-access-token", parts: &[Lit("A3T"), Run(UPPER_ALNUM, 1, 1), Run(UPPER_ALNUM, 16, 16)], entropy: 0.0 }, // AWS IAM User Guide, IAM identifiers, Unique ID prefixes
    Format { name: "aws-access-token", parts: &[Lit("AKIA"), Run(UPPER_ALNUM, 16, 16)], entropy: 0.0 }, // AWS IAM User Guide, IAM identifiers, Unique ID prefixes
    Format { name: "aws-access-token", parts: &[Lit("ASIA"), Run(UPPER_ALNUM, 16, 16)], entropy: 0.0 }, // AWS IAM User Guide, IAM identifiers, Unique ID prefixes
    Format { name: "aws-access-token", parts: &[Lit("ABIA"), Run(UPPER_ALNUM, 16, 16)], entropy: 0.0 }, // AWS IAM User Guide, IAM identifiers, Unique ID prefixes
    Format { name: "aws-access-token", parts: &[Lit("ACCA"), Run(UPPER_ALNUM, 16, 16)], entropy: 0.0 }, // AWS IAM User Guide, IAM identifiers, Unique ID prefixes
    Format { name: "aws-bedrock-api-key-long-lived", parts: &[Lit("ABSK"), Run(BASE64_PAD, 109, 271)], entropy: 3.0 }, // Amazon Bedrock User Guide, API keys
    Format { name: "aws-bedrock-api-key-short-lived", parts: &[Lit("bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t"), Run(BASE64_PAD, 0, 2048)], entropy: 0.0 }, // Amazon Bedrock User Guide, API keys
    Format { name: "azure-ad-client-secret", parts: &[Run(TILDE, 3, 3), Run(DIGIT, 1, 1), Lit("Q~"), Run(TILDE, 31, 34)], entropy: 3.0 }, // Microsoft Entra docs, Application credentials, Client secrets
    Format { name: "azure-annotated-key", parts: &[Run(ALNUM, 52, 52), Lit("JQQJ9"), Run(ALNUM, 27, 27)], entropy: 3.0 }, // Microsoft Security Utilities, Identifiable and annotated keys
    Format { name: "azure-annotated-key", parts: &[Run(ALNUM, 52, 52), Lit("JQQJ9"), Run(ALNUM, 29, 29), Lit("==")], entropy: 3.0 }, // Microsoft Security Utilities, Identifiable and annotated keys
    Format { name: "azure-storage-key", parts: &[Lit("AccountKey="), Run(BASE64, 86, 86), Lit("==")], entropy: 3.0 }, // Azure Storage docs, Manage account access keys
    Format { name: "buildkite-token", parts: &[Lit("bkua_"), Run(HEX, 40, 40)], entropy: 3.0 }, // Buildkite docs, Token security, Token prefixes
    Format { name: "cerebras-api-key", parts: &[Lit("csk-"), Run(LOWER_ALNUM, 48, 48)], entropy: 3.0 }, // Cerebras Inference docs, API keys
    Format { name: "chutes-api-key", parts: &[Lit("cpk_"), Run(HEX, 32, 32), Lit("."), Run(HEX, 32, 32), Lit("."), Run(ALNUM, 32, 32)], entropy: 3.0 }, // Chutes docs, API keys
    Format { name: "circleci-token", parts: &[Lit("CCIPAT_"), Run(TOKEN, 40, 100)], entropy: 3.0 }, // CircleCI docs, Managing API tokens
    Format { name: "clickhouse-cloud-api-secret-key", parts: &[Lit("4b1d"), Run(ALNUM, 38, 38)], entropy: 3.0 }, // ClickHouse Cloud docs, Managing API keys
    Format { name: "clojars-api-token", parts: &[Lit("CLOJARS_"), Run(ALNUM, 60, 60)], entropy: 2.0 }, // Clojars wiki, Deploy tokens
    Format { name: "clojars-api-token", parts: &[Lit("clojars_"), Run(ALNUM, 60, 60)], entropy: 2.0 }, // Clojars wiki, Deploy tokens
    Format { name: "cloudflare-origin-ca-key", parts: &[Lit("v1.0-"), Run(HEX, 24, 24), Lit("-"), Run(HEX, 146, 146)], entropy: 2.0 }, // Cloudflare docs, Origin CA keys
    Format { name: "cursor-api-key", parts: &[Lit("crsr_"), Run(HEX, 64, 64)], entropy: 3.0 }, // Cursor docs, API keys
    Format { name: "databricks-api-token", parts: &[Lit("dapi"), Run(HEX, 32, 32), Lit("-"), Run(DIGIT, 1, 1)], entropy: 3.0 }, // Databricks docs, Personal access tokens
    Format { name: "databricks-api-token", parts: &[Lit("dapi"), Run(HEX, 32, 32)], entropy: 3.0 }, // Databricks docs, Personal access tokens
    Format { name: "deepseek-api-key", parts: &[Lit("sk-"), Run(HEX, 32, 32)], entropy: 3.0 }, // DeepSeek API docs, Your first API call
    Format { name: "defined-networking-api-token", parts: &[Lit("dnkey-"), Run(URLSAFE_PAD, 26, 26), Lit("-"), Run(URLSAFE_PAD, 52, 52)], entropy: 0.0 }, // Defined Networking docs, API keys
    Format { name: "digitalocean-access-token", parts: &[Lit("doo_v1_"), Run(HEX, 64, 64)], entropy: 3.0 }, // DigitalOcean docs, Personal access tokens and OAuth API
    Format { name: "digitalocean-pat", parts: &[Lit("dop_v1_"), Run(HEX, 64, 64)], entropy: 3.0 }, // DigitalOcean docs, Personal access tokens and OAuth API
    Format { name: "digitalocean-refresh-token", parts: &[Lit("dor_v1_"), Run(ANY_HEX, 64, 64)], entropy: 0.0 }, // DigitalOcean docs, Personal access tokens and OAuth API
    Format { name: "docker-token", parts: &[Lit("dckr_pat_"), Run(TOKEN, 20, 60)], entropy: 3.0 }, // Docker docs, Access tokens
    Format { name: "doppler-api-token", parts: &[Lit("dp.pt."), Run(ALNUM, 43, 43)], entropy: 2.0 }, // Doppler docs, Auth token formats
    Format { name: "duffel-api-token", parts: &[Lit("duffel_test_"), Run(URLSAFE_PAD, 43, 43)], entropy: 2.0 }, // Duffel docs, Access tokens
    Format { name: "duffel-api-token", parts: &[Lit("duffel_live_"), Run(URLSAFE_PAD, 43, 43)], entropy: 2.0 }, // Duffel docs, Access tokens
    Format { name: "dynatrace-api-token", parts: &[Lit("dt0c01."), Run(ALNUM, 24, 24), Lit("."), Run(ALNUM, 64, 64)], entropy: 4.0 }, // Dynatrace docs, Access tokens, Token format
    Format { name: "e2b-api-key", parts: &[Lit("e2b_"), Run(HEX, 40, 40)], entropy: 3.0 }, // E2B docs, API key
    Format { name: "easypost-api-token", parts: &[Lit("EZAK"), Run(ALNUM, 54, 54)], entropy: 2.0 }, // EasyPost API docs, Authentication
    Format { name: "easypost-test-api-token", parts: &[Lit("EZTK"), Run(ALNUM, 54, 54)], entropy: 2.0 }, // EasyPost API docs, Authentication
    Format { name: "elevenlabs-api-key", parts: &[Lit("sk_"), Run(HEX, 48, 48)], entropy: 3.0 }, // ElevenLabs API reference, Authentication
    Format { name: "facebook-access-token", parts: &[Run(DIGIT, 16, 16), Lit("%7C"), Run(TOKEN, 27, 40)], entropy: 3.0 }, // Meta for Developers, Access tokens
    Format { name: "facebook-access-token", parts: &[Run(DIGIT, 15, 15), Lit("%7C"), Run(TOKEN, 27, 40)], entropy: 3.0 }, // Meta for Developers, Access tokens
    Format { name: "facebook-page-access-token", parts: &[Lit("EAAM"), Run(ALNUM, 100, 512)], entropy: 4.0 }, // Meta for Developers, Access tokens
    Format { name: "facebook-page-access-token", parts: &[Lit("EAAC"), Run(ALNUM, 100, 512)], entropy: 4.0 }, // Meta for Developers, Access tokens
    Format { name: "figma-token", parts: &[Lit("figd_"), Run(TOKEN, 30, 60)], entropy: 3.0 }, // Figma developer docs, Personal access tokens
    Format { name: "firecrawl-api-key", parts: &[Lit("fc-"), Run(HEX, 32, 32)], entropy: 3.0 }, // Firecrawl docs, API reference, Authentication
    Format { name: "fireworks-api-key", parts: &[Lit("fw_"), Run(ALNUM, 20, 48)], entropy: 3.5 }, // Fireworks AI docs, API keys
    Format { name: "flutterwave-encryption-key", parts: &[Lit("FLWSECK_TEST-"), Run(ALNUM, 12, 12)], entropy: 2.0 }, // Flutterwave docs, API keys
    Format { name: "flutterwave-public-key", parts: &[Lit("FLWPUBK_TEST-"), Run(ALNUM, 32, 32), Lit("-X")], entropy: 2.0 }, // Flutterwave docs, API keys
    Format { name: "flutterwave-secret-key", parts: &[Lit("FLWSECK_TEST-"), Run(ALNUM, 32, 32), Lit("-X")], entropy: 2.0 }, // Flutterwave docs, API keys
    Format { name: "flyio-access-token", parts: &[Lit("fo1_"), Run(TOKEN, 43, 43)], entropy: 4.0 }, // Fly.io docs, Access tokens
    Format { name: "flyio-access-token", parts: &[Lit("fm1a_"), Run(BASE64_PAD, 100, 2048)], entropy: 4.0 }, // Fly.io docs, Access tokens
    Format { name: "flyio-access-token", parts: &[Lit("fm1r_"), Run(BASE64_PAD, 100, 2048)], entropy: 4.0 }, // Fly.io docs, Access tokens
    Format { name: "flyio-access-token", parts: &[Lit("fm2_"), Run(BASE64_PAD, 100, 2048)], entropy: 4.0 }, // Fly.io docs, Access tokens
    Format { name: "frameio-api-token", parts: &[Lit("fio-u-"), Run(URLSAFE_PAD, 64, 64)], entropy: 0.0 }, // Frame.io developer docs, Developer tokens
    Format { name: "gcp-api-key", parts: &[Lit("AIza"), Run(TOKEN, 35, 35)], entropy: 4.0 }, // Google Cloud docs, API keys
    Format { name: "github-app-token", parts: &[Lit("ghu_"), Run(ALNUM, 36, 36)], entropy: 3.0 }, // GitHub Docs, About authentication to GitHub, GitHub's token formats
    Format { name: "github-app-token", parts: &[Lit("ghs_"), Run(ALNUM, 36, 36)], entropy: 3.0 }, // GitHub Docs, About authentication to GitHub, GitHub's token formats
    Format { name: "github-fine-grained-pat", parts: &[Lit("github_pat_"), Run(WORD, 82, 82)], entropy: 3.0 }, // GitHub Docs, About authentication to GitHub, GitHub's token formats
    Format { name: "github-oauth", parts: &[Lit("gho_"), Run(ALNUM, 36, 36)], entropy: 3.0 }, // GitHub Docs, About authentication to GitHub, GitHub's token formats
    Format { name: "github-pat", parts: &[Lit("ghp_"), Run(ALNUM, 36, 36)], entropy: 3.0 }, // GitHub Docs, About authentication to GitHub, GitHub's token formats
    Format { name: "github-refresh-token", parts: &[Lit("ghr_"), Run(ALNUM, 36, 36)], entropy: 3.0 }, // GitHub Docs, About authentication to GitHub, GitHub's token formats
    Format { name: "gitlab-cicd-job-token", parts: &[Lit("glcbt-"), Run(TOKEN, 20, 60)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-deploy-token", parts: &[Lit("gldt-"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-feature-flag-client-token", parts: &[Lit("glffct-"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-feed-token", parts: &[Lit("glft-"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-incoming-mail-token", parts: &[Lit("glimt-"), Run(TOKEN, 25, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-kubernetes-agent-token", parts: &[Lit("glagent-"), Run(TOKEN, 50, 1024)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-oauth-app-secret", parts: &[Lit("gloas-"), Run(TOKEN, 64, 64)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-pat", parts: &[Lit("glpat-"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-pat-routable", parts: &[Lit("glpat-"), Run(TOKEN, 27, 300), Lit("."), Run(LOWER_ALNUM, 9, 9)], entropy: 4.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-ptt", parts: &[Lit("glptt-"), Run(HEX, 40, 40)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-rrt", parts: &[Lit("GR1348941"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-runner-authentication-token", parts: &[Lit("glrt-"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-runner-authentication-token-routable", parts: &[Lit("glrt-t"), Run(DIGIT, 1, 1), Lit("_"), Run(TOKEN, 27, 300), Lit("."), Run(LOWER_ALNUM, 9, 9)], entropy: 4.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-scim-token", parts: &[Lit("glsoat-"), Run(TOKEN, 20, 50)], entropy: 3.0 }, // GitLab Docs, Token overview, Token prefixes
    Format { name: "gitlab-session-cookie", parts: &[Lit("_gitlab_session="), Run(LOWER_ALNUM, 32, 32)], entropy: 3.0 }, // GitLab source, config/initializers/session_store.rb
    Format { name: "google-ai-api-key", parts: &[Lit("AQ.Ab8"), Run(TOKEN, 40, 60)], entropy: 4.0 }, // Gemini API docs, API keys
    Format { name: "google-client-secret", parts: &[Lit("GOCSPX-"), Run(TOKEN, 20, 60)], entropy: 3.0 }, // Google Identity docs, OAuth 2.0
    Format { name: "google-oauth-token", parts: &[Lit("ya29."), Run(TOKEN, 30, 512)], entropy: 3.0 }, // Google Identity docs, OAuth 2.0
    Format { name: "grafana-api-key", parts: &[Lit("eyJrIjoi"), Run(BASE64_PAD, 70, 403)], entropy: 3.0 }, // Grafana docs, Service accounts, Tokens
    Format { name: "grafana-cloud-api-token", parts: &[Lit("glc_"), Run(BASE64_PAD, 32, 403)], entropy: 3.0 }, // Grafana Cloud docs, Access policy tokens
    Format { name: "grafana-service-account-token", parts: &[Lit("glsa_"), Run(ALNUM, 32, 32), Lit("_"), Run(ANY_HEX, 8, 8)], entropy: 3.0 }, // Grafana docs, Service accounts, Tokens
    Format { name: "groq-api-key", parts: &[Lit("gsk_"), Run(ALNUM, 52, 52)], entropy: 3.0 }, // Groq docs, API keys
    Format { name: "harness-api-key", parts: &[Lit("pat."), Run(TOKEN, 22, 22), Lit("."), Run(ALNUM, 24, 24), Lit("."), Run(ALNUM, 20, 20)], entropy: 0.0 }, // Harness docs, Manage API keys
    Format { name: "harness-api-key", parts: &[Lit("sat."), Run(TOKEN, 22, 22), Lit("."), Run(ALNUM, 24, 24), Lit("."), Run(ALNUM, 20, 20)], entropy: 0.0 }, // Harness docs, Manage API keys
    Format { name: "hashicorp-tf-api-token", parts: &[Run(ALNUM, 14, 14), Lit(".atlasv1."), Run(URLSAFE_PAD, 60, 70)], entropy: 3.5 }, // HCP Terraform docs, API tokens
    Format { name: "helicone-api-key", parts: &[Lit("sk-helicone-"), Run(TOKEN, 24, 64)], entropy: 3.0 }, // Helicone docs, Authentication
    Format { name: "heroku-api-key-v2", parts: &[Lit("HRKU-AA"), Run(TOKEN, 58, 58)], entropy: 4.0 }, // Heroku Dev Center, OAuth, Token format
    Format { name: "hubspot-private-app-token", parts: &[Lit("pat-na1-"), Run(UUID, 36, 36)], entropy: 3.0 }, // HubSpot developer docs, Private apps
    Format { name: "huggingface-access-token", parts: &[Lit("hf_"), Run(ALNUM, 34, 34)], entropy: 2.0 }, // Hugging Face Hub docs, User access tokens
    Format { name: "huggingface-organization-api-token", parts: &[Lit("api_org_"), Run(ALNUM, 34, 34)], entropy: 2.0 }, // Hugging Face Hub docs, User access tokens
    Format { name: "infracost-api-token", parts: &[Lit("ico-"), Run(ALNUM, 32, 32)], entropy: 3.0 }, // Infracost docs, API key
    Format { name: "intra42-client-secret", parts: &[Lit("s-s4t2ud-"), Run(ANY_HEX, 64, 64)], entropy: 3.0 }, // 42 API docs, Getting started
    Format { name: "intra42-client-secret", parts: &[Lit("s-s4t2af-"), Run(ANY_HEX, 64, 64)], entropy: 3.0 }, // 42 API docs, Getting started
    Format { name: "jina-api-key", parts: &[Lit("jina_"), Run(TOKEN, 60, 60)], entropy: 4.0 }, // Jina AI, API docs
    Format { name: "jwt-in-base64", parts: &[Lit("ZXlK"), Run(BASE64_PAD, 40, 2048)], entropy: 3.0 }, // RFC 7519, JSON Web Token, in base64 (RFC 4648)
    Format { name: "langfuse-secret-key", parts: &[Lit("sk-lf-"), Run(UUID, 36, 36)], entropy: 2.0 }, // Langfuse docs, Public API, Authentication
    Format { name: "langsmith-api-key", parts: &[Lit("lsv2_pt_"), Run(HEX, 32, 32), Lit("_"), Run(HEX, 10, 10)], entropy: 3.0 }, // LangSmith docs, Create an API key
    Format { name: "langsmith-api-key", parts: &[Lit("lsv2_sk_"), Run(HEX, 32, 32), Lit("_"), Run(HEX, 10, 10)], entropy: 3.0 }, // LangSmith docs, Create an API key
    Format { name: "linear-api-key", parts: &[Lit("lin_api_"), Run(ALNUM, 40, 40)], entropy: 2.0 }, // Linear developers, API and OAuth authentication
    Format { name: "litellm-virtual-key", parts: &[Lit("sk-"), Run(TOKEN, 22, 22)], entropy: 3.7 }, // LiteLLM docs, Virtual keys
    Format { name: "llamacloud-api-key", parts: &[Lit("llx-"), Run(ALNUM, 48, 48)], entropy: 3.0 }, // LlamaCloud docs, Get an API key
    Format { name: "lob-api-key", parts: &[Lit("live_"), Run(ANY_HEX, 35, 35)], entropy: 0.0 }, // Lob API docs, Authentication
    Format { name: "lob-api-key", parts: &[Lit("test_"), Run(ANY_HEX, 35, 35)], entropy: 0.0 }, // Lob API docs, Authentication
    Format { name: "lob-pub-api-key", parts: &[Lit("live_pub_"), Run(ANY_HEX, 31, 31)], entropy: 0.0 }, // Lob API docs, Authentication
    Format { name: "lob-pub-api-key", parts: &[Lit("test_pub_"), Run(ANY_HEX, 31, 31)], entropy: 0.0 }, // Lob API docs, Authentication
    Format { name: "logfire-token", parts: &[Lit("pylf_v1_"), Run(LOWER, 2, 2), Lit("_"), Run(ALNUM, 43, 43)], entropy: 3.0 }, // Pydantic Logfire docs, Write tokens
    Format { name: "mailchimp-api-key", parts: &[Run(HEX, 32, 32), Lit("-us"), Run(DIGIT, 1, 2)], entropy: 0.0 }, // Mailchimp Marketing API docs, API keys
    Format { name: "mailgun-key", parts: &[Lit("key-"), Run(HEX, 32, 32)], entropy: 3.0 }, // Mailgun docs, API keys
    Format { name: "mailgun-pub-key", parts: &[Lit("pubkey-"), Run(ANY_HEX, 32, 32)], entropy: 0.0 }, // Mailgun docs, API keys
    Format { name: "mapbox-api-token", parts: &[Lit("pk."), Run(ALNUM, 60, 60), Lit("."), Run(ALNUM, 22, 22)], entropy: 0.0 }, // Mapbox docs, Access tokens
    Format { name: "mapbox-secret-token", parts: &[Lit("sk.eyJ1"), Run(TOKEN, 30, 200), Lit("."), Run(TOKEN, 16, 60)], entropy: 3.0 }, // Mapbox docs, Access tokens
    Format { name: "maxmind-license-key", parts: &[Run(ALNUM, 6, 6), Run(WORD, 1, 1), Run(ALNUM, 29, 29), Lit("_mmk")], entropy: 4.0 }, // MaxMind knowledge base, License keys
    Format { name: "microsoft-teams-webhook", parts: &[Lit("https://"), Run(LOWER_ALNUM, 1, 63), Lit(".webhook.office.com/webhookb2/"), Run(LOWER_TOKEN, 36, 36), Lit("@"), Run(LOWER_TOKEN, 36, 36), Lit("/IncomingWebhook/"), Run(LOWER_ALNUM, 32, 32), Lit("/"), Run(LOWER_TOKEN, 36, 36)], entropy: 0.0 }, // Microsoft Teams docs, Incoming webhooks
    Format { name: "modal-token", parts: &[Lit("ak-"), Run(ALNUM, 22, 22)], entropy: 3.5 }, // Modal docs, Tokens
    Format { name: "modal-token", parts: &[Lit("as-"), Run(ALNUM, 22, 22)], entropy: 3.5 }, // Modal docs, Tokens
    Format { name: "new-relic-browser-api-token", parts: &[Lit("NRJS-"), Run(ANY_HEX, 19, 19)], entropy: 0.0 }, // New Relic docs, API keys
    Format { name: "new-relic-insert-key", parts: &[Lit("NRII-"), Run(TOKEN, 32, 32)], entropy: 0.0 }, // New Relic docs, API keys
    Format { name: "new-relic-user-api-key", parts: &[Lit("NRAK-"), Run(ALNUM, 27, 27)], entropy: 0.0 }, // New Relic docs, API keys
    Format { name: "notion-api-token", parts: &[Lit("ntn_"), Run(DIGIT, 11, 11), Run(ALNUM, 35, 35)], entropy: 4.0 }, // Notion API docs, Authorization
    Format { name: "notion-token", parts: &[Lit("secret_"), Run(ALNUM, 43, 43)], entropy: 3.0 }, // Notion API docs, Authorization
    Format { name: "npm-access-token", parts: &[Lit("npm_"), Run(ALNUM, 36, 36)], entropy: 2.0 }, // npm docs, About access tokens
    Format { name: "nvidia-api-key", parts: &[Lit("nvapi-"), Run(TOKEN, 64, 64)], entropy: 3.5 }, // NVIDIA NGC user guide, API keys
    Format { name: "octopus-deploy-api-key", parts: &[Lit("API-"), Run(UPPER_ALNUM, 26, 26)], entropy: 3.0 }, // Octopus Deploy docs, API keys
    Format { name: "openai-api-key", parts: &[Lit("sk-proj-"), Run(TOKEN, 40, 250)], entropy: 3.0 }, // OpenAI API reference, Authentication
    Format { name: "openai-api-key", parts: &[Lit("sk-svcacct-"), Run(TOKEN, 40, 250)], entropy: 3.0 }, // OpenAI API reference, Authentication
    Format { name: "openai-api-key", parts: &[Lit("sk-admin-"), Run(TOKEN, 40, 250)], entropy: 3.0 }, // OpenAI API reference, Authentication
    Format { name: "openai-legacy-api-key", parts: &[Lit("sk-"), Run(ALNUM, 48, 48)], entropy: 3.0 }, // OpenAI API reference, Authentication
    Format { name: "openai-session-key", parts: &[Lit("sess-"), Run(ALNUM, 40, 40)], entropy: 3.0 }, // OpenAI platform, session keys of its pages
    Format { name: "openrouter-api-key", parts: &[Lit("sk-or-v1-"), Run(HEX, 64, 64)], entropy: 3.0 }, // OpenRouter docs, Authentication
    Format { name: "openshift-user-token", parts: &[Lit("sha256~"), Run(TOKEN, 43, 43)], entropy: 3.5 }, // OpenShift docs, OAuth access tokens
    Format { name: "perplexity-api-key", parts: &[Lit("pplx-"), Run(ALNUM, 48, 48)], entropy: 4.0 }, // Perplexity API docs, API keys
    Format { name: "pinecone-api-key", parts: &[Lit("pcsk_"), Run(ALNUM, 5, 6), Lit("_"), Run(ALNUM, 63, 63)], entropy: 3.0 }, // Pinecone docs, Manage API keys
    Format { name: "plaid-api-token", parts: &[Lit("access-sandbox-"), Run(UUID, 36, 36)], entropy: 0.0 }, // Plaid docs, API, Access tokens and keys
    Format { name: "plaid-api-token", parts: &[Lit("access-development-"), Run(UUID, 36, 36)], entropy: 0.0 }, // Plaid docs, API, Access tokens and keys
    Format { name: "plaid-api-token", parts: &[Lit("access-production-"), Run(UUID, 36, 36)], entropy: 0.0 }, // Plaid docs, API, Access tokens and keys
    Format { name: "planetscale-api-token", parts: &[Lit("pscale_tkn_"), Run(DOTTED_PAD, 32, 64)], entropy: 3.0 }, // PlanetScale docs, Service tokens and connection strings
    Format { name: "planetscale-oauth-token", parts: &[Lit("pscale_oauth_"), Run(DOTTED_PAD, 32, 64)], entropy: 3.0 }, // PlanetScale docs, Service tokens and connection strings
    Format { name: "planetscale-password", parts: &[Lit("pscale_pw_"), Run(DOTTED_PAD, 32, 64)], entropy: 3.0 }, // PlanetScale docs, Service tokens and connection strings
    Format { name: "posthog-key", parts: &[Lit("phx_"), Run(ALNUM, 40, 60)], entropy: 3.0 }, // PostHog docs, API, Personal API keys
    Format { name: "postman-api-token", parts: &[Lit("PMAK-"), Run(ANY_HEX, 24, 24), Lit("-"), Run(ANY_HEX, 34, 34)], entropy: 3.0 }, // Postman Learning Center, API keys
    Format { name: "prefect-api-token", parts: &[Lit("pnu_"), Run(ALNUM, 36, 36)], entropy: 2.0 }, // Prefect docs, Manage API keys
    Format { name: "pulumi-api-token", parts: &[Lit("pul-"), Run(HEX, 40, 40)], entropy: 2.0 }, // Pulumi Cloud docs, Access tokens
    Format { name: "pypi-test-upload-token", parts: &[Lit("pypi-AgENdGVzdC5weXBpLm9yZ"), Run(TOKEN, 50, 1000)], entropy: 3.0 }, // PyPI help, API tokens
    Format { name: "pypi-upload-token", parts: &[Lit("pypi-AgEIcHlwaS5vcmc"), Run(TOKEN, 50, 1000)], entropy: 3.0 }, // PyPI help, API tokens
    Format { name: "readme-api-token", parts: &[Lit("rdme_"), Run(LOWER_ALNUM, 70, 70)], entropy: 2.0 }, // ReadMe docs, API authentication
    Format { name: "replicate-api-token", parts: &[Lit("r8_"), Run(TOKEN, 37, 37)], entropy: 3.0 }, // Replicate docs, API tokens
    Format { name: "resend-key", parts: &[Lit("re_"), Run(ALNUM, 8, 8), Lit("_"), Run(ALNUM, 20, 30)], entropy: 3.0 }, // Resend docs, API keys
    Format { name: "rubygems-api-token", parts: &[Lit("rubygems_"), Run(HEX, 48, 48)], entropy: 2.0 }, // RubyGems guides, API key scopes
    Format { name: "runpod-api-key", parts: &[Lit("rpa_"), Run(ALNUM, 40, 50)], entropy: 3.0 }, // Runpod docs, Manage API keys
    Format { name: "scalingo-api-token", parts: &[Lit("tk-us-"), Run(TOKEN, 48, 48)], entropy: 2.0 }, // Scalingo developer docs, Tokens
    Format { name: "sendgrid-api-token", parts: &[Lit("SG."), Run(DOTTED_PAD, 66, 66)], entropy: 2.0 }, // Twilio SendGrid docs, API keys
    Format { name: "sendinblue-api-token", parts: &[Lit("xkeysib-"), Run(HEX, 64, 64), Lit("-"), Run(ALNUM, 16, 16)], entropy: 2.0 }, // Brevo developer docs, API keys
    Format { name: "sentry-org-token", parts: &[Lit("sntrys_eyJpYXQiO"), Run(BASE64_PAD, 32, 418), Lit("_"), Run(BASE64, 43, 43)], entropy: 4.5 }, // Sentry docs, Auth tokens
    Format { name: "sentry-user-token", parts: &[Lit("sntryu_"), Run(HEX, 64, 64)], entropy: 3.5 }, // Sentry docs, Auth tokens
    Format { name: "settlemint-application-access-token", parts: &[Lit("sm_aat_"), Run(ALNUM, 16, 16)], entropy: 3.0 }, // SettleMint docs, Access tokens
    Format { name: "settlemint-personal-access-token", parts: &[Lit("sm_pat_"), Run(ALNUM, 16, 16)], entropy: 3.0 }, // SettleMint docs, Access tokens
    Format { name: "settlemint-service-access-token", parts: &[Lit("sm_sat_"), Run(ALNUM, 16, 16)], entropy: 3.0 }, // SettleMint docs, Access tokens
    Format { name: "shippo-api-token", parts: &[Lit("shippo_live_"), Run(ANY_HEX, 40, 40)], entropy: 2.0 }, // Shippo docs, Authentication
    Format { name: "shippo-api-token", parts: &[Lit("shippo_test_"), Run(ANY_HEX, 40, 40)], entropy: 2.0 }, // Shippo docs, Authentication
    Format { name: "shopify-access-token", parts: &[Lit("shpat_"), Run(ANY_HEX, 32, 32)], entropy: 2.0 }, // Shopify developer changelog, Length and prefix of tokens
    Format { name: "shopify-custom-access-token", parts: &[Lit("shpca_"), Run(ANY_HEX, 32, 32)], entropy: 2.0 }, // Shopify developer changelog, Length and prefix of tokens
    Format { name: "shopify-private-app-access-token", parts: &[Lit("shppa_"), Run(ANY_HEX, 32, 32)], entropy: 2.0 }, // Shopify developer changelog, Length and prefix of tokens
    Format { name: "shopify-shared-secret", parts: &[Lit("shpss_"), Run(ANY_HEX, 32, 32)], entropy: 2.0 }, // Shopify developer changelog, Length and prefix of tokens
    Format { name: "slack-app-token", parts: &[Lit("xapp-"), Run(DIGIT, 1, 1), Lit("-"), Run(ALNUM, 1, 64), Lit("-"), Run(DIGIT, 1, 32), Lit("-"), Run(ALNUM, 8, 256)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-bot-token", parts: &[Lit("xoxb-"), Run(DIGIT, 10, 13), Lit("-"), Run(DIGIT, 9, 9), Run(TOKEN, 1, 80)], entropy: 3.0 }, // Slack developer docs, Token types
    Format { name: "slack-config-access-token", parts: &[Lit("xoxe.xoxb-"), Run(DIGIT, 1, 1), Lit("-"), Run(ALNUM, 163, 166)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-config-access-token", parts: &[Lit("xoxe.xoxp-"), Run(DIGIT, 1, 1), Lit("-"), Run(ALNUM, 163, 166)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-config-refresh-token", parts: &[Lit("xoxe-"), Run(DIGIT, 1, 1), Lit("-"), Run(ALNUM, 146, 146)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-legacy-bot-token", parts: &[Lit("xoxb-"), Run(DIGIT, 8, 14), Lit("-"), Run(ALNUM, 18, 26)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-legacy-token", parts: &[Lit("xoxo-"), Run(DIGIT, 1, 32), Lit("-"), Run(DIGIT, 1, 32), Lit("-"), Run(DIGIT, 1, 32), Lit("-"), Run(ANY_HEX, 8, 128)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-legacy-token", parts: &[Lit("xoxs-"), Run(DIGIT, 1, 32), Lit("-"), Run(DIGIT, 1, 32), Lit("-"), Run(DIGIT, 1, 32), Lit("-"), Run(ANY_HEX, 8, 128)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-legacy-workspace-token", parts: &[Lit("xoxa-"), Run(TOKEN, 11, 200)], entropy: 0.5 }, // Slack developer docs, Token types
    Format { name: "slack-legacy-workspace-token", parts: &[Lit("xoxr-"), Run(TOKEN, 11, 200)], entropy: 0.5 }, // Slack developer docs, Token types
    Format { name: "slack-user-token", parts: &[Lit("xoxp-"), Run(DIGIT, 10, 13), Lit("-"), Run(DIGIT, 10, 13), Lit("-"), Run(DIGIT, 10, 13), Lit("-"), Run(TOKEN, 28, 34)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-user-token", parts: &[Lit("xoxe-"), Run(DIGIT, 10, 13), Lit("-"), Run(DIGIT, 10, 13), Lit("-"), Run(DIGIT, 10, 13), Lit("-"), Run(TOKEN, 28, 34)], entropy: 2.0 }, // Slack developer docs, Token types
    Format { name: "slack-webhook-url", parts: &[Lit("https://hooks.slack.com/services/"), Run(BASE64, 43, 56)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("https://hooks.slack.com/workflows/"), Run(BASE64, 43, 100)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("https://hooks.slack.com/triggers/"), Run(BASE64, 40, 100)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("http://hooks.slack.com/services/"), Run(BASE64, 43, 56)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("http://hooks.slack.com/workflows/"), Run(BASE64, 43, 100)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("http://hooks.slack.com/triggers/"), Run(BASE64, 40, 100)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("hooks.slack.com/services/"), Run(BASE64, 43, 56)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("hooks.slack.com/workflows/"), Run(BASE64, 43, 100)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "slack-webhook-url", parts: &[Lit("hooks.slack.com/triggers/"), Run(BASE64, 40, 100)], entropy: 0.0 }, // Slack developer docs, Incoming webhooks
    Format { name: "sonar-api-token", parts: &[Lit("squ_"), Run(ALNUM, 40, 40)], entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Format { name: "sonar-api-token", parts: &[Lit("sqp_"), Run(ALNUM, 40, 40)], entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Format { name: "sonar-api-token", parts: &[Lit("sqa_"), Run(ALNUM, 40, 40)], entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Format { name: "sourcegraph-access-token", parts: &[Lit("sgp_"), Run(ANY_HEX, 16, 16), Lit("_"), Run(ANY_HEX, 40, 40)], entropy: 3.0 }, // Sourcegraph docs, Access token formats
    Format { name: "sourcegraph-access-token", parts: &[Lit("sgp_local_"), Run(ANY_HEX, 40, 40)], entropy: 3.0 }, // Sourcegraph docs, Access token formats
    Format { name: "sourcegraph-access-token", parts: &[Lit("sgp_"), Run(ANY_HEX, 40, 40)], entropy: 3.0 }, // Sourcegraph docs, Access token formats
    Format { name: "square-access-token", parts: &[Lit("EAAA"), Run(TOKEN, 22, 60)], entropy: 2.0 }, // Square developer docs, Access tokens and OAuth
    Format { name: "square-access-token", parts: &[Lit("sq0atp-"), Run(TOKEN, 22, 60)], entropy: 2.0 }, // Square developer docs, Access tokens and OAuth
    Format { name: "square-secret", parts: &[Lit("sq0csp-"), Run(TOKEN, 40, 50)], entropy: 3.0 }, // Square developer docs, Access tokens and OAuth
    Format { name: "stripe-access-token", parts: &[Lit("sk_test_"), Run(ALNUM, 10, 99)], entropy: 2.0 }, // Stripe docs, API keys
    Format { name: "stripe-access-token", parts: &[Lit("sk_live_"), Run(ALNUM, 10, 99)], entropy: 2.0 }, // Stripe docs, API keys
    Format { name: "stripe-access-token", parts: &[Lit("sk_prod_"), Run(ALNUM, 10, 99)], entropy: 2.0 }, // Stripe docs, API keys
    Format { name: "stripe-access-token", parts: &[Lit("rk_test_"), Run(ALNUM, 10, 99)], entropy: 2.0 }, // Stripe docs, API keys
    Format { name: "stripe-access-token", parts: &[Lit("rk_live_"), Run(ALNUM, 10, 99)], entropy: 2.0 }, // Stripe docs, API keys
    Format { name: "stripe-access-token", parts: &[Lit("rk_prod_"), Run(ALNUM, 10, 99)], entropy: 2.0 }, // Stripe docs, API keys
    Format { name: "stripe-webhook-secret", parts: &[Lit("whsec_"), Run(BASE64_PAD, 24, 80)], entropy: 3.0 }, // Stripe docs, Webhooks, Verify signatures
    Format { name: "supabase-secret-key", parts: &[Lit("sb_secret_"), Run(TOKEN, 20, 60)], entropy: 3.0 }, // Supabase docs, API keys
    Format { name: "supabase-token", parts: &[Lit("sbp_"), Run(HEX, 40, 40)], entropy: 3.0 }, // Supabase docs, Management API, Personal access tokens
    Format { name: "tailscale-key", parts: &[Lit("tskey-"), Run(TOKEN, 20, 80)], entropy: 3.0 }, // Tailscale docs, Key prefixes
    Format { name: "tavily-api-key", parts: &[Lit("tvly-"), Run(TOKEN, 32, 64)], entropy: 3.0 }, // Tavily docs, API reference, Authentication
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 16, 16), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 15, 15), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 14, 14), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 13, 13), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 12, 12), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 11, 11), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 10, 10), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 9, 9), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 8, 8), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 7, 7), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 6, 6), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Run(DIGIT, 5, 5), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "telegram-bot-api-token", parts: &[Lit("bot"), Run(DIGIT, 5, 16), Lit(":A"), Run(TOKEN, 34, 34)], entropy: 0.0 }, // Telegram Bot API, Authorizing your bot
    Format { name: "together-api-key", parts: &[Lit("tgp_v1_"), Run(TOKEN, 43, 43)], entropy: 3.5 }, // Together AI docs, API keys
    Format { name: "twilio-api-key", parts: &[Lit("SK"), Run(ANY_HEX, 32, 32)], entropy: 3.0 }, // Twilio docs, API keys
    Format { name: "twitter-bearer-token", parts: &[Lit("AAAAAAAAAAAAAAAAAAAAAA"), Run(PERCENT, 80, 100)], entropy: 3.0 }, // X developer platform, Authentication
    Format { name: "typeform-api-token", parts: &[Lit("tfp_"), Run(DOTTED_PAD, 59, 59)], entropy: 0.0 }, // Typeform developers, Personal access tokens
    Format { name: "vault-batch-token", parts: &[Lit("hvb."), Run(TOKEN, 138, 300)], entropy: 4.0 }, // HashiCorp Vault docs, Tokens, Token prefixes
    Format { name: "vault-legacy-service-token", parts: &[Lit("s."), Run(ALNUM, 24, 24)], entropy: 3.9 }, // HashiCorp Vault docs, Tokens, Token prefixes
    Format { name: "vault-service-token", parts: &[Lit("hvs."), Run(TOKEN, 90, 120)], entropy: 3.5 }, // HashiCorp Vault docs, Tokens, Token prefixes
    Format { name: "vercel-ai-gateway-key", parts: &[Lit("vck_"), Run(ALNUM, 40, 64)], entropy: 3.5 }, // Vercel docs, AI Gateway, Authentication
    Format { name: "voyage-api-key", parts: &[Lit("pa-"), Run(TOKEN, 43, 43)], entropy: 4.3 }, // Voyage AI docs, API key
    Format { name: "wandb-api-key", parts: &[Lit("wandb_v1_"), Run(ALNUM, 27, 27), Lit("_"), Run(ALNUM, 49, 49)], entropy: 3.0 }, // Weights & Biases docs, API keys
    Format { name: "xai-api-key", parts: &[Lit("xai-"), Run(ALNUM, 80, 80)], entropy: 3.0 }, // xAI docs, API keys
    Format { name: "yandex-access-token", parts: &[Lit("t1."), Run(URLSAFE_PAD, 1, 512), Lit("."), Run(URLSAFE_PAD, 86, 88)], entropy: 0.0 }, // Yandex Cloud docs, IAM, Authentication
    Format { name: "yandex-api-key", parts: &[Lit("AQVN"), Run(TOKEN, 35, 38)], entropy: 0.0 }, // Yandex Cloud docs, IAM, Authentication
];

/// Keys without a form of their own, recognised by the service named in front of them.
// For the same reason.
#[rustfmt::skip]
pub(crate) const SERVICES: &[Service] = &[
    Service { name: "adafruit", keyword: "adafruit", class: TOKEN, least: 32, greatest: 32, entropy: 0.0 }, // Adafruit IO docs, Authentication
    Service { name: "adobe", keyword: "adobe", class: ANY_HEX, least: 32, greatest: 32, entropy: 2.0 }, // Adobe Developer Console, Credentials
    Service { name: "airtable", keyword: "airtable", class: ALNUM, least: 17, greatest: 17, entropy: 0.0 }, // Airtable, Personal access tokens
    Service { name: "algolia", keyword: "algolia", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Algolia docs, API keys
    Service { name: "alibaba", keyword: "alibaba", class: ALNUM, least: 30, greatest: 30, entropy: 2.0 }, // Alibaba Cloud RAM, AccessKey pairs
    Service { name: "asana", keyword: "asana", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Asana developers, Authentication
    Service { name: "asana", keyword: "asana", class: DIGIT, least: 16, greatest: 16, entropy: 0.0 }, // Asana developers, Authentication
    Service { name: "assemblyai", keyword: "assemblyai", class: HEX, least: 32, greatest: 32, entropy: 3.0 }, // AssemblyAI docs, API reference, Authentication
    Service { name: "atlassian", keyword: "atlassian", class: ALNUM, least: 24, greatest: 24, entropy: 3.5 }, // Atlassian support, Manage API tokens
    Service { name: "atlassian", keyword: "confluence", class: ALNUM, least: 24, greatest: 24, entropy: 3.5 }, // Atlassian support, Manage API tokens
    Service { name: "atlassian", keyword: "jira", class: ALNUM, least: 24, greatest: 24, entropy: 3.5 }, // Atlassian support, Manage API tokens
    Service { name: "beamer", keyword: "beamer", class: URLSAFE_PAD, least: 46, greatest: 46, entropy: 0.0 }, // Beamer API docs, Authentication
    Service { name: "bitbucket", keyword: "bitbucket", class: URLSAFE_PAD, least: 64, greatest: 64, entropy: 0.0 }, // Bitbucket Cloud docs, OAuth consumers
    Service { name: "bitbucket", keyword: "bitbucket", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Bitbucket Cloud docs, OAuth consumers
    Service { name: "bittrex", keyword: "bittrex", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Bittrex API docs, Authentication
    Service { name: "cloudflare", keyword: "cloudflare", class: TOKEN, least: 40, greatest: 40, entropy: 2.0 }, // Cloudflare docs, Token formats, https://developers.cloudflare.com/fundamentals/api/get-started/token-formats
    Service { name: "cloudflare", keyword: "cloudflare", class: ANY_HEX, least: 37, greatest: 37, entropy: 2.0 }, // Cloudflare docs, Token formats, https://developers.cloudflare.com/fundamentals/api/get-started/token-formats
    Service { name: "codecov", keyword: "codecov", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Codecov docs, Tokens
    Service { name: "cohere", keyword: "co_api_key", class: ALNUM, least: 40, greatest: 40, entropy: 4.0 }, // Cohere docs, API keys
    Service { name: "cohere", keyword: "cohere", class: ALNUM, least: 40, greatest: 40, entropy: 4.0 }, // Cohere docs, API keys
    Service { name: "coinbase", keyword: "coinbase", class: TOKEN, least: 64, greatest: 64, entropy: 0.0 }, // Coinbase developer docs, API keys
    Service { name: "confluent", keyword: "confluent", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // Confluent Cloud docs, API keys
    Service { name: "confluent", keyword: "confluent", class: ALNUM, least: 16, greatest: 16, entropy: 0.0 }, // Confluent Cloud docs, API keys
    Service { name: "contentful", keyword: "contentful", class: URLSAFE_PAD, least: 43, greatest: 43, entropy: 0.0 }, // Contentful docs, Authentication
    Service { name: "datadog", keyword: "datadog", class: ALNUM, least: 40, greatest: 40, entropy: 0.0 }, // Datadog docs, API and application keys
    Service { name: "deepgram", keyword: "deepgram", class: HEX, least: 40, greatest: 40, entropy: 3.0 }, // Deepgram docs, API keys
    Service { name: "discord", keyword: "discord", class: ANY_HEX, least: 64, greatest: 64, entropy: 0.0 }, // Discord developer docs, OAuth2 and authentication
    Service { name: "discord", keyword: "discord", class: URLSAFE_PAD, least: 32, greatest: 32, entropy: 2.0 }, // Discord developer docs, OAuth2 and authentication
    Service { name: "discord", keyword: "discord", class: DIGIT, least: 18, greatest: 18, entropy: 2.0 }, // Discord developer docs, OAuth2 and authentication
    Service { name: "droneci", keyword: "droneci", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Drone docs, Authentication
    Service { name: "dropbox", keyword: "dropbox", class: ALNUM, least: 15, greatest: 15, entropy: 0.0 }, // Dropbox developers, OAuth guide
    Service { name: "etsy", keyword: "etsy", class: ALNUM, least: 24, greatest: 24, entropy: 3.0 }, // Etsy Open API docs, Authentication
    Service { name: "facebook", keyword: "facebook", class: ANY_HEX, least: 32, greatest: 32, entropy: 3.0 }, // Meta for Developers, Access tokens
    Service { name: "fastly", keyword: "fastly", class: URLSAFE_PAD, least: 32, greatest: 32, entropy: 0.0 }, // Fastly docs, API tokens
    Service { name: "finicity", keyword: "finicity", class: ANY_HEX, least: 32, greatest: 32, entropy: 0.0 }, // Mastercard Open Finance (Finicity) docs, Authentication
    Service { name: "finicity", keyword: "finicity", class: ALNUM, least: 20, greatest: 20, entropy: 0.0 }, // Mastercard Open Finance (Finicity) docs, Authentication
    Service { name: "finnhub", keyword: "finnhub", class: ALNUM, least: 20, greatest: 20, entropy: 0.0 }, // Finnhub API docs, Authentication
    Service { name: "flickr", keyword: "flickr", class: ALNUM, least: 32, greatest: 32, entropy: 0.0 }, // Flickr API docs, API keys
    Service { name: "freshbooks", keyword: "freshbooks", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // FreshBooks API docs, Authentication
    Service { name: "gitter", keyword: "gitter", class: TOKEN, least: 40, greatest: 40, entropy: 0.0 }, // Gitter developer docs, Authentication
    Service { name: "gocardless", keyword: "gocardless", class: URLSAFE_PAD, least: 45, greatest: 45, entropy: 0.0 }, // GoCardless developer docs, Access tokens
    Service { name: "heroku", keyword: "heroku", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Heroku Dev Center, OAuth, Token format
    Service { name: "hubspot", keyword: "hubspot", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // HubSpot developer docs, Private apps
    Service { name: "intercom", keyword: "intercom", class: URLSAFE_PAD, least: 60, greatest: 60, entropy: 0.0 }, // Intercom developer docs, Authentication
    Service { name: "jfrog", keyword: "artifactory", class: ALNUM, least: 73, greatest: 73, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "artifactory", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "bintray", class: ALNUM, least: 73, greatest: 73, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "bintray", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "jfrog", class: ALNUM, least: 73, greatest: 73, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "jfrog", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "xray", class: ALNUM, least: 73, greatest: 73, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "jfrog", keyword: "xray", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // JFrog Platform docs, Access tokens and API keys
    Service { name: "kraken", keyword: "kraken", class: BASE64_ANY, least: 80, greatest: 90, entropy: 0.0 }, // Kraken API docs, API keys
    Service { name: "kucoin", keyword: "kucoin", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // KuCoin API docs, Authentication
    Service { name: "kucoin", keyword: "kucoin", class: ANY_HEX, least: 24, greatest: 24, entropy: 0.0 }, // KuCoin API docs, Authentication
    Service { name: "launchdarkly", keyword: "launchdarkly", class: URLSAFE_PAD, least: 40, greatest: 40, entropy: 0.0 }, // LaunchDarkly docs, API access tokens
    Service { name: "linear", keyword: "linear", class: ANY_HEX, least: 32, greatest: 32, entropy: 2.0 }, // Linear developers, API and OAuth authentication
    Service { name: "linkedin", keyword: "linked-in", class: ALNUM, least: 16, greatest: 16, entropy: 2.0 }, // LinkedIn developer docs, Authentication
    Service { name: "linkedin", keyword: "linked-in", class: ALNUM, least: 14, greatest: 14, entropy: 2.0 }, // LinkedIn developer docs, Authentication
    Service { name: "linkedin", keyword: "linked_in", class: ALNUM, least: 16, greatest: 16, entropy: 2.0 }, // LinkedIn developer docs, Authentication
    Service { name: "linkedin", keyword: "linked_in", class: ALNUM, least: 14, greatest: 14, entropy: 2.0 }, // LinkedIn developer docs, Authentication
    Service { name: "linkedin", keyword: "linkedin", class: ALNUM, least: 16, greatest: 16, entropy: 2.0 }, // LinkedIn developer docs, Authentication
    Service { name: "linkedin", keyword: "linkedin", class: ALNUM, least: 14, greatest: 14, entropy: 2.0 }, // LinkedIn developer docs, Authentication
    Service { name: "looker", keyword: "looker", class: ALNUM, least: 24, greatest: 24, entropy: 0.0 }, // Looker docs, API authentication
    Service { name: "looker", keyword: "looker", class: ALNUM, least: 20, greatest: 20, entropy: 0.0 }, // Looker docs, API authentication
    Service { name: "mailgun", keyword: "mailgun", class: TOKEN, least: 50, greatest: 50, entropy: 0.0 }, // Mailgun docs, API keys
    Service { name: "mailgun", keyword: "mailgun", class: TOKEN, least: 36, greatest: 36, entropy: 0.0 }, // Mailgun docs, API keys
    Service { name: "mattermost", keyword: "mattermost", class: ALNUM, least: 26, greatest: 26, entropy: 0.0 }, // Mattermost docs, Personal access tokens
    Service { name: "meraki", keyword: "meraki", class: HEX, least: 40, greatest: 40, entropy: 3.0 }, // Cisco Meraki Dashboard API docs, Authorization
    Service { name: "messagebird", keyword: "message-bird", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // MessageBird (Bird) API docs, Authentication
    Service { name: "messagebird", keyword: "message-bird", class: ALNUM, least: 25, greatest: 25, entropy: 0.0 }, // MessageBird (Bird) API docs, Authentication
    Service { name: "messagebird", keyword: "message_bird", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // MessageBird (Bird) API docs, Authentication
    Service { name: "messagebird", keyword: "message_bird", class: ALNUM, least: 25, greatest: 25, entropy: 0.0 }, // MessageBird (Bird) API docs, Authentication
    Service { name: "messagebird", keyword: "messagebird", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // MessageBird (Bird) API docs, Authentication
    Service { name: "messagebird", keyword: "messagebird", class: ALNUM, least: 25, greatest: 25, entropy: 0.0 }, // MessageBird (Bird) API docs, Authentication
    Service { name: "mistral", keyword: "mistral", class: ALNUM, least: 32, greatest: 32, entropy: 3.0 }, // Mistral AI docs, API keys
    Service { name: "netlify", keyword: "netlify", class: URLSAFE_PAD, least: 40, greatest: 46, entropy: 0.0 }, // Netlify API docs, Authentication
    Service { name: "new-relic", keyword: "new-relic", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // New Relic docs, API keys
    Service { name: "new-relic", keyword: "new_relic", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // New Relic docs, API keys
    Service { name: "new-relic", keyword: "newrelic", class: ALNUM, least: 64, greatest: 64, entropy: 0.0 }, // New Relic docs, API keys
    Service { name: "nytimes", keyword: "new-york-times", class: URLSAFE_PAD, least: 32, greatest: 32, entropy: 0.0 }, // New York Times developer network, API keys
    Service { name: "nytimes", keyword: "newyorktimes", class: URLSAFE_PAD, least: 32, greatest: 32, entropy: 0.0 }, // New York Times developer network, API keys
    Service { name: "nytimes", keyword: "nytimes", class: URLSAFE_PAD, least: 32, greatest: 32, entropy: 0.0 }, // New York Times developer network, API keys
    Service { name: "okta", keyword: "okta", class: URLSAFE_PAD, least: 42, greatest: 42, entropy: 4.0 }, // Okta developer docs, API tokens
    Service { name: "plaid", keyword: "plaid", class: ALNUM, least: 30, greatest: 30, entropy: 3.5 }, // Plaid docs, API, Access tokens and keys
    Service { name: "plaid", keyword: "plaid", class: ALNUM, least: 24, greatest: 24, entropy: 3.5 }, // Plaid docs, API, Access tokens and keys
    Service { name: "privateai", keyword: "private-ai", class: LOWER_ALNUM, least: 32, greatest: 32, entropy: 3.0 }, // Private AI docs, API keys
    Service { name: "privateai", keyword: "private_ai", class: LOWER_ALNUM, least: 32, greatest: 32, entropy: 3.0 }, // Private AI docs, API keys
    Service { name: "privateai", keyword: "privateai", class: LOWER_ALNUM, least: 32, greatest: 32, entropy: 3.0 }, // Private AI docs, API keys
    Service { name: "rapidapi", keyword: "rapidapi", class: TOKEN, least: 50, greatest: 50, entropy: 0.0 }, // RapidAPI docs, API keys
    Service { name: "sendbird", keyword: "sendbird", class: ANY_HEX, least: 40, greatest: 40, entropy: 0.0 }, // Sendbird docs, API tokens
    Service { name: "sendbird", keyword: "sendbird", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Sendbird docs, API tokens
    Service { name: "sentry", keyword: "sentry", class: ANY_HEX, least: 64, greatest: 64, entropy: 3.0 }, // Sentry docs, Auth tokens
    Service { name: "sidekiq", keyword: "bundle_enterprise__contribsys__com", class: HEX_COLON, least: 17, greatest: 17, entropy: 0.0 }, // Sidekiq wiki, Commercial installation, Credentials
    Service { name: "sidekiq", keyword: "bundle_gems__contribsys__com", class: HEX_COLON, least: 17, greatest: 17, entropy: 0.0 }, // Sidekiq wiki, Commercial installation, Credentials
    Service { name: "snyk", keyword: "snyk-api-key", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk-api-token", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk-key", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk-oauth-key", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk-oauth-token", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk-token", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk_api_key", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk_api_token", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk_key", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk_oauth_key", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk_oauth_token", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyk_token", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snykapikey", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snykapitoken", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snykkey", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snykoauthkey", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snykoauthtoken", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "snyk", keyword: "snyktoken", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Snyk docs, Authentication for API
    Service { name: "sonar", keyword: "sonar-login", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonar-token", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonar.login", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonar.token", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonar_login", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonar_token", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonarlogin", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sonar", keyword: "sonartoken", class: URLSAFE_PAD, least: 40, greatest: 44, entropy: 0.0 }, // SonarQube docs, Managing your tokens
    Service { name: "sourcegraph", keyword: "sourcegraph", class: ANY_HEX, least: 40, greatest: 40, entropy: 3.0 }, // Sourcegraph docs, Access token formats
    Service { name: "squarespace", keyword: "squarespace", class: UUID, least: 36, greatest: 36, entropy: 0.0 }, // Squarespace developer docs, API keys
    Service { name: "sumologic", keyword: "sumo", class: ALNUM, least: 64, greatest: 64, entropy: 3.0 }, // Sumo Logic docs, Access keys
    Service { name: "sumologic", keyword: "sumo", class: ALNUM, least: 14, greatest: 14, entropy: 3.0 }, // Sumo Logic docs, Access keys
    Service { name: "together", keyword: "together", class: HEX, least: 64, greatest: 64, entropy: 3.0 }, // Together AI docs, API keys
    Service { name: "travisci", keyword: "travis", class: ALNUM, least: 22, greatest: 22, entropy: 0.0 }, // Travis CI developer docs, Authentication
    Service { name: "twitch", keyword: "twitch", class: ALNUM, least: 30, greatest: 30, entropy: 0.0 }, // Twitch developer docs, Authentication
    Service { name: "twitter", keyword: "twitter", class: TOKEN, least: 36, greatest: 66, entropy: 0.0 }, // X developer platform, Authentication
    Service { name: "twitter", keyword: "twitter", class: ALNUM, least: 50, greatest: 50, entropy: 0.0 }, // X developer platform, Authentication
    Service { name: "twitter", keyword: "twitter", class: ALNUM, least: 45, greatest: 45, entropy: 0.0 }, // X developer platform, Authentication
    Service { name: "twitter", keyword: "twitter", class: ALNUM, least: 25, greatest: 25, entropy: 0.0 }, // X developer platform, Authentication
    Service { name: "wandb", keyword: "wandb", class: HEX, least: 40, greatest: 40, entropy: 3.0 }, // Weights & Biases docs, API keys
    Service { name: "yandex", keyword: "yandex", class: TOKEN, least: 40, greatest: 40, entropy: 0.0 }, // Yandex Cloud docs, IAM, Authentication
    Service { name: "zendesk", keyword: "zendesk", class: ALNUM, least: 40, greatest: 40, entropy: 0.0 }, // Zendesk developer docs, API tokens
    Service { name: "zhipu", keyword: "zhipu", class: DOTTED, least: 49, greatest: 49, entropy: 3.0 }, // Zhipu AI open platform docs, API authentication
];

import FanfareAuth
import FanfareCore
import FanfareWire

/// Who may do what, and the secrets that this needs. What has to be understood together is put together by
/// `ConfigurationChecks+Security`.
extension Setting {
    private static let defaults = NodeConfiguration()

    static let security: [Setting] = clients + tokens + admin

    private static let clients: [Setting] = [
        Setting(
            "users", .choice(NodeConfiguration.Users.allCases.map(\.rawValue)), default: defaults.users.rawValue,
            "What clients with a token may do where its claim caps says nothing."
        ) { configuration, value in
            if case .text(let text) = value { configuration.users = .init(rawValue: text) ?? .subscribe }
        },
        Setting(
            "token-cookie", .text("name of a cookie"), default: "",
            "Cookie in which a connection token may come; needs strict allowed origins. Default: none."
        ) { configuration, value in
            if case .text(let text) = value { configuration.tokenCookie = text }
        },
        Setting(
            "token-in-query", .flag, default: "false",
            "Take connection tokens from ?token= too. Proxies and browsers keep URLs: only where nothing else is possible."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.tokenInQuery = isOn }
        },
        duration(
            "expired-grace", .zero...(.seconds(3_600)), default: defaults.limits.expiredGrace,
            "How long a client or subscription may stay behind its token's expiry to refresh it; then 3005 or 2501.",
            \.limits.expiredGrace),
        bytes(
            "max-token-bytes", 256...65_536, default: defaults.limits.maxTokenBytes, "One token.",
            \.limits.maxTokenBytes),
    ]

    private static let tokens: [Setting] = [
        Setting(
            "token-hmac-secret", .text("secrets with spaces between them"), default: "",
            "Secret of HMAC tokens, at least 32 bytes (HS384: 48, HS512: 64); several while one replaces another. Default: none.",
            isSecret: true
        ) { configuration, value in
            guard case .text(let text) = value else { return }
            configuration.tokens.secrets = text.split(whereSeparator: \.isWhitespace).map { Secret(String($0)) }
        },
        file("token-hmac-secret-file", "The same in a file, for secrets that no variable shall hold. Default: none."),
        Setting(
            "token-public-key-file", .text("path of a readable file"), default: "",
            "PEM file of the public keys or certificates for RS256, ES256 and EdDSA tokens. Default: none."
        ) { configuration, value in
            if case .text(let text) = value { configuration.tokens.publicKeyFile = text }
        },
        Setting(
            "token-jwks", .text("path or https:// URL"), default: "",
            "JSON Web Key Set of the provider, read at the start and when a token names a key not in it. Default: none."
        ) { configuration, value in
            if case .text(let text) = value { configuration.tokens.keySet = KeySetLocation(text) }
        },
        duration(
            "token-jwks-interval", .milliseconds(100)...(.seconds(3_600)), default: defaults.tokens.keySetInterval,
            "Least time between two reads of the key set, whatever tokens ask for.", \.tokens.keySetInterval),
        duration(
            "token-jwks-max-age", .seconds(1)...(.seconds(86_400)), default: defaults.tokens.keySetMaxAge,
            "Then the key set is read again, so that keys taken out of it end.", \.tokens.keySetMaxAge),
        Setting(
            "token-algorithms", .text("words among HS256 HS384 HS512 RS256 ES256 EdDSA"),
            default: "HS256 RS256 ES256 EdDSA", "What tokens may be signed with."
        ) { _, _ in },
        Setting(
            "token-audience", .text("text"), default: "", "What the claim aud must hold. Default: anything or nothing."
        ) { configuration, value in
            if case .text(let text) = value { configuration.tokens.audience = ExactText(text) }
        },
        Setting(
            "token-issuer", .text("text"), default: "", "What the claim iss must be. Default: anything or nothing."
        ) { configuration, value in
            if case .text(let text) = value { configuration.tokens.issuer = ExactText(text) }
        },
        duration(
            "token-leeway", .zero...(.seconds(300)), default: defaults.tokens.leeway,
            "How far the clocks of backend and node may be apart, in whole seconds.", \.tokens.leeway),
    ]

    private static let admin: [Setting] = [
        Setting(
            "admin-api-keys", .text("keys with spaces between them"), default: "",
            "Keys of which /api/ needs one, 16 bytes or more, as 'Authorization: apikey KEY' or X-API-Key. Default: none needed.",
            isSecret: true
        ) { configuration, value in
            guard case .text(let text) = value else { return }
            configuration.adminKeys = AdminKeys(text.split(whereSeparator: \.isWhitespace).map(String.init))
        },
        file("admin-api-keys-file", "The same in a file. Default: none."),
        Setting(
            "admin-insecure", .flag, default: "false",
            "Start with the admin port open to other machines and without a key: only in a network of its own."
        ) { configuration, value in
            if case .flag(let isOn) = value { configuration.adminInsecure = isOn }
        },
        text(
            "admin-names", "names and addresses with commas between them", default: defaults.adminNames,
            "Names under which the admin port is reached beside localhost, where it needs no key. Requests for others are "
                + "refused on loopback, and anywhere once this is set. Default: none.", \.adminNames),
        file("redis-file", "The URL of Redis in a file. Default: none."),
    ]

    /// Where the value of the secret setting without `-file` stands; the reader puts it there.
    private static func file(_ name: String, _ help: String) -> Setting {
        Setting(name, .text("path of a readable file"), default: "", help) { _, _ in }
    }

    /// The setting whose value this one's file holds.
    var secretOfFile: Setting? {
        guard name.hasSuffix("-file") else { return nil }
        return Setting.all.first { $0.isSecret && $0.name + "-file" == name }
    }
}

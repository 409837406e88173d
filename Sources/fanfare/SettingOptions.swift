import ArgumentParser
import FanfareServer

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The options of every command that reads a configuration: one per setting, all as text, so that problems of options,
/// variables and file can be told together.
struct SettingOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "YAML or JSON file with settings by name [FANFARE_CONFIG].")
    var file: String?

    @OptionGroup(title: "Network") var network: NetworkOptions
    @OptionGroup(title: "TLS") var tls: TLSOptions
    @OptionGroup(title: "Redis") var redis: RedisOptions
    @OptionGroup(title: "Behaviour") var behaviour: BehaviourOptions
    @OptionGroup(title: "SockJS") var sockJS: SockJSOptionGroup
    @OptionGroup(title: "Socket.IO") var socketIO: SocketIOOptionGroup
    @OptionGroup(title: "Tokens and keys") var security: SecurityOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Deadlines and HTTP") var http: HTTPOptions

    /// Reads options, environment and file.
    func read() async throws -> ConfigurationReader.Result {
        let given =
            network.given + tls.given + redis.given + behaviour.given + sockJS.given + socketIO.given
            + security.given + limits.given + http.given
        let flags = Dictionary(
            given.compactMap { name, value in value.map { (name, $0 == SettingArguments.missing ? "" : $0) } },
            uniquingKeysWith: { $1 })
        do {
            return try await ConfigurationReader(
                flags: flags, environment: ProcessInfo.processInfo.environment, file: file
            ).read()
        } catch let problems as ConfigurationProblems {
            throw Exit.failed("\(problems)", code: Exit.badConfiguration)
        }
    }
}

struct NetworkOptions: ParsableArguments {
    @Option(help: .setting("host")) var host: String?
    @Option(help: .setting("port")) var port: String?
    @Option(help: .setting("admin-host")) var adminHost: String?
    @Option(help: .setting("admin-port")) var adminPort: String?
    @Option(help: .setting("node-name")) var nodeName: String?
    @Option(help: .setting("loops")) var loops: String?
    @Option(help: .setting("trusted-proxies")) var trustedProxies: String?
    @Option(help: .setting("client-address")) var clientAddress: String?

    var given: [(String, String?)] {
        [
            ("host", host),
            ("port", port),
            ("admin-host", adminHost),
            ("admin-port", adminPort),
            ("node-name", nodeName),
            ("loops", loops),
            ("trusted-proxies", trustedProxies),
            ("client-address", clientAddress),
        ]
    }
}

struct TLSOptions: ParsableArguments {
    @Option(help: .setting("tls-certificate")) var tlsCertificate: String?
    @Option(help: .setting("tls-key")) var tlsKey: String?
    @Option(help: .setting("tls-reload-interval")) var tlsReloadInterval: String?
    @Option(help: .setting("http2")) var http2: String?

    var given: [(String, String?)] {
        [
            ("tls-certificate", tlsCertificate),
            ("tls-key", tlsKey),
            ("tls-reload-interval", tlsReloadInterval),
            ("http2", http2),
        ]
    }
}

struct RedisOptions: ParsableArguments {
    @Option(help: .setting("redis")) var redis: String?
    @Option(help: .setting("redis-prefix")) var redisPrefix: String?
    @Option(help: .setting("redis-ca-file")) var redisCaFile: String?
    @Option(help: .setting("redis-timeout")) var redisTimeout: String?
    @Option(help: .setting("redis-probe-interval")) var redisProbeInterval: String?

    var given: [(String, String?)] {
        [
            ("redis", redis),
            ("redis-prefix", redisPrefix),
            ("redis-ca-file", redisCaFile),
            ("redis-timeout", redisTimeout),
            ("redis-probe-interval", redisProbeInterval),
        ]
    }
}

struct BehaviourOptions: ParsableArguments {
    @Option(help: .setting("ping-interval")) var pingInterval: String?
    @Option(help: .setting("pong-timeout")) var pongTimeout: String?
    @Option(help: .setting("drain")) var drain: String?
    @Option(help: .setting("anonymous")) var anonymous: String?
    @Option(help: .setting("allowed-origins")) var allowedOrigins: String?
    @Option(help: .setting("namespaces")) var namespaces: String?
    @Option(help: .setting("presence-ttl")) var presenceTtl: String?
    @Option(help: .setting("log-level")) var logLevel: String?
    @Option(help: .setting("write-delay")) var writeDelay: String?
    @Option(help: .setting("direct-write")) var directWrite: String?
    @Option(help: .setting("compression")) var compression: String?
    @Option(help: .setting("compression-threshold")) var compressionThreshold: String?
    @Option(help: .setting("compression-client-context")) var compressionClientContext: String?
    @Flag(help: .setting("dev")) var dev = false

    var given: [(String, String?)] {
        [
            ("ping-interval", pingInterval),
            ("pong-timeout", pongTimeout),
            ("drain", drain),
            ("anonymous", anonymous),
            ("allowed-origins", allowedOrigins),
            ("namespaces", namespaces),
            ("presence-ttl", presenceTtl),
            ("log-level", logLevel),
            ("write-delay", writeDelay), ("direct-write", directWrite),
            ("compression", compression),
            ("compression-threshold", compressionThreshold),
            ("compression-client-context", compressionClientContext),
            ("dev", dev ? "true" : nil),
        ]
    }
}

struct SockJSOptionGroup: ParsableArguments {
    @Option(help: .setting("sockjs-path")) var sockjsPath: String?
    @Flag(help: .setting("sockjs-cookies")) var sockjsCookies = false
    @Option(help: .setting("sockjs-client-url")) var sockjsClientUrl: String?

    var given: [(String, String?)] {
        [
            ("sockjs-path", sockjsPath),
            ("sockjs-cookies", sockjsCookies ? "true" : nil),
            ("sockjs-client-url", sockjsClientUrl),
        ]
    }
}

struct SecurityOptions: ParsableArguments {
    @Option(help: .setting("users")) var users: String?
    @Option(help: .setting("token-cookie")) var tokenCookie: String?
    @Flag(help: .setting("token-in-query")) var tokenInQuery = false
    @Option(help: .setting("expired-grace")) var expiredGrace: String?
    @Option(help: .setting("max-token-bytes")) var maxTokenBytes: String?
    @Option(help: .setting("token-hmac-secret")) var tokenHmacSecret: String?
    @Option(help: .setting("token-hmac-secret-file")) var tokenHmacSecretFile: String?
    @Option(help: .setting("token-public-key-file")) var tokenPublicKeyFile: String?
    @Option(help: .setting("token-jwks")) var tokenJwks: String?
    @Option(help: .setting("token-jwks-interval")) var tokenJwksInterval: String?
    @Option(help: .setting("token-jwks-max-age")) var tokenJwksMaxAge: String?
    @Option(help: .setting("token-algorithms")) var tokenAlgorithms: String?
    @Option(help: .setting("token-audience")) var tokenAudience: String?
    @Option(help: .setting("token-issuer")) var tokenIssuer: String?
    @Option(help: .setting("token-leeway")) var tokenLeeway: String?
    @Option(help: .setting("admin-api-keys")) var adminApiKeys: String?
    @Option(help: .setting("admin-api-keys-file")) var adminApiKeysFile: String?
    @Flag(help: .setting("admin-insecure")) var adminInsecure = false
    @Option(help: .setting("admin-names")) var adminNames: String?
    @Option(help: .setting("redis-file")) var redisFile: String?

    var given: [(String, String?)] {
        [
            ("users", users),
            ("token-cookie", tokenCookie),
            ("token-in-query", tokenInQuery ? "true" : nil),
            ("expired-grace", expiredGrace),
            ("max-token-bytes", maxTokenBytes),
            ("token-hmac-secret", tokenHmacSecret),
            ("token-hmac-secret-file", tokenHmacSecretFile),
            ("token-public-key-file", tokenPublicKeyFile),
            ("token-jwks", tokenJwks),
            ("token-jwks-interval", tokenJwksInterval),
            ("token-jwks-max-age", tokenJwksMaxAge),
            ("token-algorithms", tokenAlgorithms),
            ("token-audience", tokenAudience),
            ("token-issuer", tokenIssuer),
            ("token-leeway", tokenLeeway),
            ("admin-api-keys", adminApiKeys),
            ("admin-api-keys-file", adminApiKeysFile),
            ("admin-insecure", adminInsecure ? "true" : nil),
            ("admin-names", adminNames),
            ("redis-file", redisFile),
        ]
    }
}

struct LimitOptions: ParsableArguments {
    @Option(help: .setting("max-connections")) var maxConnections: String?
    @Option(help: .setting("max-connections-per-address")) var maxConnectionsPerAddress: String?
    @Option(help: .setting("max-connect-rate-per-address")) var maxConnectRatePerAddress: String?
    @Option(help: .setting("max-connections-per-user")) var maxConnectionsPerUser: String?
    @Option(help: .setting("max-pending-connections")) var maxPendingConnections: String?
    @Option(help: .setting("max-pending-connections-per-address")) var maxPendingConnectionsPerAddress: String?
    @Option(help: .setting("max-admin-connections")) var maxAdminConnections: String?
    @Option(help: .setting("max-message-bytes")) var maxMessageBytes: String?
    @Option(help: .setting("max-fragments")) var maxFragments: String?
    @Option(help: .setting("max-attachments")) var maxAttachments: String?
    @Option(help: .setting("max-control-frames")) var maxControlFrames: String?
    @Option(help: .setting("max-queue-bytes")) var maxQueueBytes: String?
    @Option(help: .setting("max-node-queue-bytes")) var maxNodeQueueBytes: String?
    @Option(help: .setting("max-channels")) var maxChannels: String?
    @Option(help: .setting("max-filters")) var maxFilters: String?
    @Option(help: .setting("max-channel-bytes")) var maxChannelBytes: String?
    @Option(help: .setting("max-commands")) var maxCommands: String?
    @Option(help: .setting("max-pending-commands")) var maxPendingCommands: String?
    @Option(help: .setting("slow-timeout")) var slowTimeout: String?
    @Option(help: .setting("poll-gap")) var pollGap: String?
    @Option(help: .setting("max-connect-rate")) var maxConnectRate: String?
    @Option(help: .setting("max-message-rate")) var maxMessageRate: String?
    @Option(help: .setting("max-byte-rate")) var maxByteRate: String?
    @Option(help: .setting("max-publish-rate")) var maxPublishRate: String?
    @Option(help: .setting("max-subscribe-rate")) var maxSubscribeRate: String?
    @Option(help: .setting("max-read-rate")) var maxReadRate: String?
    @Option(help: .setting("max-user-message-rate")) var maxUserMessageRate: String?
    @Option(help: .setting("max-user-publish-rate")) var maxUserPublishRate: String?
    @Option(help: .setting("max-recovery")) var maxRecovery: String?
    @Option(help: .setting("max-recovery-bytes")) var maxRecoveryBytes: String?
    @Option(help: .setting("max-presence-members")) var maxPresenceMembers: String?
    @Option(help: .setting("max-api-presence-members")) var maxApiPresenceMembers: String?
    @Option(help: .setting("max-api-body-bytes")) var maxApiBodyBytes: String?
    @Option(help: .setting("retry-after")) var retryAfter: String?

    var given: [(String, String?)] {
        [
            ("max-connections", maxConnections),
            ("max-connections-per-address", maxConnectionsPerAddress),
            ("max-connect-rate-per-address", maxConnectRatePerAddress),
            ("max-connections-per-user", maxConnectionsPerUser),
            ("max-pending-connections", maxPendingConnections),
            ("max-pending-connections-per-address", maxPendingConnectionsPerAddress),
            ("max-admin-connections", maxAdminConnections),
            ("max-message-bytes", maxMessageBytes),
            ("max-fragments", maxFragments),
            ("max-attachments", maxAttachments),
            ("max-control-frames", maxControlFrames),
            ("max-queue-bytes", maxQueueBytes),
            ("max-node-queue-bytes", maxNodeQueueBytes),
            ("max-channels", maxChannels),
            ("max-filters", maxFilters),
            ("max-channel-bytes", maxChannelBytes),
            ("max-commands", maxCommands),
            ("max-pending-commands", maxPendingCommands),
            ("slow-timeout", slowTimeout),
            ("poll-gap", pollGap),
            ("max-connect-rate", maxConnectRate),
            ("max-message-rate", maxMessageRate),
            ("max-byte-rate", maxByteRate),
            ("max-publish-rate", maxPublishRate),
            ("max-subscribe-rate", maxSubscribeRate),
            ("max-read-rate", maxReadRate),
            ("max-user-message-rate", maxUserMessageRate),
            ("max-user-publish-rate", maxUserPublishRate),
            ("max-recovery", maxRecovery), ("max-recovery-bytes", maxRecoveryBytes),
            ("max-presence-members", maxPresenceMembers),
            ("max-api-presence-members", maxApiPresenceMembers),
            ("max-api-body-bytes", maxApiBodyBytes),
            ("retry-after", retryAfter),
        ]
    }
}

struct SocketIOOptionGroup: ParsableArguments {
    @Option(help: .setting("socketio-path")) var socketioPath: String?
    @Option(help: .setting("socketio-emitters")) var socketioEmitters: String?
    @Option(help: .setting("socketio-emitter-key")) var socketioEmitterKey: String?
    @Option(help: .setting("socketio-emitter-channels")) var socketioEmitterChannels: String?

    var given: [(String, String?)] {
        [
            ("socketio-path", socketioPath),
            ("socketio-emitters", socketioEmitters),
            ("socketio-emitter-key", socketioEmitterKey),
            ("socketio-emitter-channels", socketioEmitterChannels),
        ]
    }
}

struct HTTPOptions: ParsableArguments {
    @Option(help: .setting("handshake-timeout")) var handshakeTimeout: String?
    @Option(help: .setting("first-command-timeout")) var firstCommandTimeout: String?
    @Option(help: .setting("socketio-connect-timeout")) var socketioConnectTimeout: String?
    @Option(help: .setting("message-timeout")) var messageTimeout: String?
    @Option(help: .setting("stomp-ack-timeout")) var stompAckTimeout: String?
    @Option(help: .setting("close-timeout")) var closeTimeout: String?
    @Option(help: .setting("max-header-field-bytes")) var maxHeaderFieldBytes: String?
    @Option(help: .setting("max-header-bytes")) var maxHeaderBytes: String?
    @Option(help: .setting("max-header-fields")) var maxHeaderFields: String?

    var given: [(String, String?)] {
        [
            ("handshake-timeout", handshakeTimeout),
            ("first-command-timeout", firstCommandTimeout),
            ("socketio-connect-timeout", socketioConnectTimeout),
            ("message-timeout", messageTimeout),
            ("stomp-ack-timeout", stompAckTimeout),
            ("close-timeout", closeTimeout),
            ("max-header-field-bytes", maxHeaderFieldBytes),
            ("max-header-bytes", maxHeaderBytes),
            ("max-header-fields", maxHeaderFields),
        ]
    }
}

extension ArgumentHelp {
    /// The help of a setting, from the table.
    fileprivate static func setting(_ name: String) -> ArgumentHelp {
        ArgumentHelp(stringLiteral: Setting.help(name))
    }
}

import FanfareAuth
import FanfareCore
import FanfareRedis
import FanfareWire
import Foundation
import Logging

/// Tokens, keys, and what is dangerous.
extension ConfigurationChecks {
    /// Puts together what several settings say about tokens, and tries the keys.
    func completeSecurity(_ configuration: inout NodeConfiguration, problems: inout [String]) async {
        if let text = text("token-algorithms") {
            let words = text.split(whereSeparator: { $0.isWhitespace || $0 == "," }).map(String.init)
            let algorithms = words.compactMap(TokenAlgorithm.init)
            if algorithms.count == words.count, !words.isEmpty {
                configuration.tokens.algorithms = algorithms
            } else {
                problems.append(
                    "\(name("token-algorithms")): '\(text)' names what is no algorithm here; "
                        + "allowed: \(range("token-algorithms"))")
            }
        }
        if let cookie = configuration.tokenCookie, !cookie.utf8.allSatisfy(Self.isTokenCharacter) {
            problems.append("\(name("token-cookie")): '\(cookie)' can't be the name of a cookie")
        }
        if case .file(let path)? = configuration.tokens.keySet, let obstacle = ConfigurationFile.obstacle(path) {
            problems.append("\(name("token-jwks")): '\(path)' \(obstacle); allowed: \(range("token-jwks"))")
        }
        await tryKeys(configuration.tokens, problems: &problems)
        if !configuration.dev { problems += weakSecrets(configuration) }
        checkAdmin(configuration, problems: &problems)
    }

    /// Makes the keys once, so that a bad one is told now and with the name of its setting.
    private func tryKeys(_ tokens: TokenConfiguration, problems: inout [String]) async {
        for secret in tokens.secrets {
            do throws(TokenKeyError) {
                _ = try await TokenKey.secret(secret.value, .hs256)
            } catch {
                problems.append("\(name("token-hmac-secret")): *** \(error)")
            }
        }
        guard let path = tokens.publicKeyFile else { return }
        do throws(TokenKeyError) {
            _ = try await TokenKey.publicKeys(pem: SecretFile.text(path, limit: ServerBounds.keyFileBytes))
        } catch {
            problems.append("\(name("token-public-key-file")): '\(path)' \(error)")
        }
    }

    private func checkAdmin(_ configuration: NodeConfiguration, problems: inout [String]) {
        if AdminGate.read(configuration.adminNames) == nil {
            problems.append(
                "\(name("admin-names")): '\(configuration.adminNames)' has what is no name of a host; allowed: "
                    + range("admin-names"))
        }
        guard isKnown("admin-host", "admin-api-keys", "admin-insecure"), configuration.adminKeys.isEmpty,
            !configuration.adminInsecure, !NetworkAddress(configuration.adminHost).isLoopback
        else { return }
        problems.append(
            "\(name("admin-host")): \(configuration.adminHost) opens the server API to other machines without a key; "
                + "set admin-api-keys, or admin-insecure where the network is the node's own")
    }

    /// What is allowed and should be thought about twice. None of it quotes a secret.
    func dangers(_ configuration: NodeConfiguration) -> [String] {
        exposure(configuration) + tlsDangers(configuration) + addressDangers(configuration)
            + tokenDangers(configuration)
            + secretsInSight(configuration)
    }

    /// Why every client would be refused; `nil`: some may come in. A secure default, and the first thing that somebody meets
    /// who starts a node without reading.
    func closedToAll(_ configuration: NodeConfiguration) -> String? {
        guard configuration.effectiveAnonymous == .none, !configuration.tokens.isEnabled else { return nil }
        return "nobody may connect: there is no key for tokens and anonymous is none, so every client gets 401; set "
            + "token-hmac-secret, token-public-key-file or token-jwks for clients with tokens, or anonymous=subscribe, or dev "
            + "for a first try"
    }

    private func exposure(_ configuration: NodeConfiguration) -> [String] {
        var found: [String] = []
        let isOpen = !NetworkAddress(configuration.host).isLoopback
        if configuration.dev, isOpen {
            found.append("\(name("dev")): everybody who reaches \(configuration.host) may connect and publish")
        } else if configuration.anonymous == .publish, isOpen {
            found.append("\(name("anonymous")): everybody who reaches \(configuration.host) may publish")
        }
        if !configuration.dev, configuration.origins.allowsAny {
            found.append("\(name("allowed-origins")): pages from anywhere may connect with their visitors' cookies")
        }
        if configuration.dev { found += weakSecrets(configuration) }
        if configuration.adminKeys.isEmpty, !NetworkAddress(configuration.adminHost).isLoopback {
            found.append(
                "\(name("admin-insecure")): everybody who reaches "
                    + "\(Authority.text(host: configuration.adminHost, port: configuration.adminPort)) "
                    + "may publish into all channels")
        }
        for redis in configuration.redis {
            for host in Self.hosts(redis.address) where NetworkAddress(host).isPublic {
                if redis.password == nil { found.append("\(name("redis")): Redis at \(host) has no password") }
                if !redis.tls {
                    found.append("\(name("redis")): the way to Redis at \(host) is not encrypted; use rediss://")
                }
            }
        }
        return found
    }

    private func tokenDangers(_ configuration: NodeConfiguration) -> [String] {
        var found: [String] = []
        let tokens = configuration.tokens
        if configuration.tokenInQuery {
            found.append("\(name("token-in-query")): tokens in URLs end in the logs of proxies")
        }
        if configuration.tokenCookie != nil, configuration.origins.allowsAny {
            found.append("\(name("token-cookie")): with any origin allowed, every page acts for its visitors")
        }
        if case .url(let text)? = tokens.keySet {
            let host = URLComponents(string: text)?.host ?? ""
            if text.hasPrefix("http://"), !NetworkAddress(host).isLoopback {
                found.append("\(name("token-jwks")): keys over http:// are whoever's who sits in between; use https://")
            }
            if tokens.audience == nil {
                found.append(
                    "\(name("token-jwks")): tokens that the provider made for other applications are believed; set "
                        + "token-audience")
            }
        }
        return found
    }

    private static func hosts(_ address: RedisConfiguration.Address) -> [String] {
        switch address {
        case .host(let host, _): [host]
        case .path: []
        case .sentinel(let sentinels): sentinels.endpoints.map(\.host)
        case .cluster(let nodes): nodes.map(\.host)
        }
    }

    /// A command line can be read by every user of the machine.
    private func secretsInSight(_ configuration: NodeConfiguration) -> [String] {
        given.filter { $0.value.origin.hasPrefix("flag ") }.keys.sorted().compactMap { name in
            guard Setting.all.first(where: { $0.name == name })?.isSecret == true else { return nil }
            if name == "redis", !configuration.redactedRedis.contains("***") { return nil }
            return "flag --\(name): all users of this machine can read it (ps); use the variable or --\(name)-file"
        }
    }

    /// RFC 9110 §5.6.2, which names of cookies are made of.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

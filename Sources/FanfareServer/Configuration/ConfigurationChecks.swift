import FanfareCore
import FanfareRedis

/// What one setting alone can't tell: defaults that depend on the machine, values that have to fit each other.
struct ConfigurationChecks {
    let machine: Machine
    /// What was given and is allowed, by name.
    let given: [String: ConfigurationReader.Given]
    /// What was given and is not allowed: holding its default against other values would only confuse.
    let refused: Set<String>

    /// Fills in what depends on the machine and builds the Redis configuration.
    func complete(
        _ configuration: inout NodeConfiguration, entries: inout [String: ConfigurationReader.Entry],
        problems: inout [String]
    ) {
        func note(_ name: String, _ text: String, _ origin: String) {
            guard let entry = entries[name] else { return }
            entries[name] = ConfigurationReader.Entry(setting: entry.setting, text: text, origin: origin)
        }
        if given["node-name"] == nil {
            configuration.nodeName = String(machine.hostName.filter(Self.isNameCharacter).prefix(64))
            if configuration.nodeName.isEmpty { configuration.nodeName = "fanfare" }
            note("node-name", configuration.nodeName, "default (host name)")
        }
        if given["loops"] == nil {
            configuration.loops = min(63, machine.cores)
            note("loops", "\(configuration.loops)", "default (cores)")
        }
        let files = machine.maxOpenFiles
        if given["max-pending-connections"] == nil, configuration.limits.maxPendingConnections > files / 4 {
            configuration.limits.maxPendingConnections = max(1, files / 4)
            note(
                "max-pending-connections", "\(configuration.limits.maxPendingConnections)",
                "default (open files: \(files))")
        }
        if given["max-pending-connections-per-address"] == nil {
            let share = max(8, configuration.limits.maxPendingConnections / 4)
            if share != configuration.limits.maxPendingConnectionsPerAddress {
                configuration.limits.maxPendingConnectionsPerAddress = share
                note(
                    "max-pending-connections-per-address", "\(share)",
                    "default (max-pending-connections: \(configuration.limits.maxPendingConnections))")
            }
        }
        if given["max-admin-connections"] == nil, configuration.limits.maxAdminConnections > files / 16 {
            configuration.limits.maxAdminConnections = max(4, files / 16)
            note(
                "max-admin-connections", "\(configuration.limits.maxAdminConnections)", "default (open files: \(files))"
            )
        }
        let room =
            files - configuration.limits.maxPendingConnections - configuration.limits.maxAdminConnections
            - Self.reservedFiles
        if given["max-connections"] == nil, configuration.limits.maxConnections > room {
            configuration.limits.maxConnections = max(1, room)
            note("max-connections", "\(configuration.limits.maxConnections)", "default (open files: \(files))")
        }
        if given["max-node-queue-bytes"] == nil {
            let quarter = machine.memoryBytes.map { $0 / 4 } ?? configuration.limits.maxNodeQueueBytes
            configuration.limits.maxNodeQueueBytes = max(quarter, configuration.limits.maxQueueBytes)
            note(
                "max-node-queue-bytes", SettingText.bytes(configuration.limits.maxNodeQueueBytes),
                machine.memoryBytes.map { "default (memory: \(SettingText.bytes($0)))" } ?? "default")
        }
        completeRedis(&configuration, problems: &problems, note: note)
        completeOrigins(&configuration, problems: &problems)
        completeNamespaces(&configuration, problems: &problems)
        completeAddresses(&configuration, problems: &problems)
        checkSockJS(configuration, problems: &problems)
        checkEmitters(configuration, problems: &problems)
    }

    private func completeOrigins(_ configuration: inout NodeConfiguration, problems: inout [String]) {
        guard let text = text("allowed-origins") else {
            if configuration.dev { configuration.origins = .any }
            return
        }
        do {
            configuration.origins = try OriginPolicy(text)
        } catch {
            problems.append("\(name("allowed-origins")): \(error); allowed: \(range("allowed-origins"))")
        }
    }

    private func completeNamespaces(_ configuration: inout NodeConfiguration, problems: inout [String]) {
        guard let text = text("namespaces") else { return }
        do {
            configuration.channels = try NamespaceText.read(text, presenceTTL: configuration.presenceTTL)
        } catch {
            problems.append("\(name("namespaces")): \(error)")
        }
    }

    private func completeRedis(
        _ configuration: inout NodeConfiguration, problems: inout [String],
        note: (String, String, String) -> Void
    ) {
        guard let urls = text("redis"), let origin = given["redis"]?.origin else { return }
        do {
            configuration.redis = try RedisConfiguration.list(urls).map { instance in
                var redis = instance
                if let prefix = text("redis-prefix") { redis.prefix = prefix }
                if let file = text("redis-ca-file") { redis.caFile = file }
                if let time = duration("redis-timeout") {
                    redis.commandTimeout = time
                    redis.connectTimeout = min(redis.connectTimeout, time)
                }
                if let time = duration("redis-probe-interval") { redis.probeInterval = time }
                redis.maxPayloadBytes = configuration.limits.maxQueueBytes
                return redis
            }
            note("redis", configuration.redactedRedis, origin)
            checkPrefix(problems: &problems)
        } catch {
            problems.append("\(origin): *** \(Self.reason(error)); allowed: \(range("redis"))")
        }
    }

    /// Two prefixes that begin alike would let a channel of one cluster be a channel of another.
    private func checkPrefix(problems: inout [String]) {
        guard let prefix = text("redis-prefix"), !RedisConfiguration.isPrefix(prefix) else { return }
        problems.append("\(name("redis-prefix")): '\(prefix)' can't be a prefix; allowed: \(range("redis-prefix"))")
    }

    /// What is wrong with the URL, without the part that is: after a '/' or '@' that was not escaped, a piece of the
    /// password stands where the port or the database should.
    private static func reason(_ error: RedisURLError) -> String {
        let hint = "; in a password, '/' is written %2F and '@' %40"
        return switch error {
        case .port: "has a port that is not a number from 1 to 65535" + hint
        case .database: "has a database that is not a number from 0 to 65535" + hint
        default: "\(error)"
        }
    }

    /// Holds values against each other and against the machine.
    func check(_ configuration: NodeConfiguration, problems: inout [String]) {
        if configuration.nodeName.count > 64 || !configuration.nodeName.allSatisfy(Self.isNameCharacter) {
            problems.append(
                "\(name("node-name")): \(configuration.nodeName.debugDescription) is not a name; "
                    + "allowed: \(range("node-name"))")
        }
        if let file = text("redis-ca-file"), let obstacle = ConfigurationFile.obstacle(file) {
            problems.append("\(name("redis-ca-file")): '\(file)' \(obstacle); allowed: \(range("redis-ca-file"))")
        }
        if isKnown("port", "admin-port", "host", "admin-host"), configuration.port == configuration.adminPort,
            configuration.port != 0, Self.overlap(configuration.host, configuration.adminHost)
        {
            problems.append(
                "\(name("admin-port")): \(configuration.adminPort) is the clients' port (\(name("port"))) on the same "
                    + "address")
        }
        checkPings(configuration.keepAlive, problems: &problems)
        checkSizes(configuration.limits, problems: &problems)
        checkFiles(configuration.limits, problems: &problems)
    }

    private func checkPings(_ keepAlive: KeepAlive, problems: inout [String]) {
        guard let interval = keepAlive.pingInterval, isKnown("ping-interval", "pong-timeout") else { return }
        let ping = SettingText.duration(interval)
        let pong = SettingText.duration(keepAlive.pongTimeout)
        if interval + keepAlive.pongTimeout > NodeConfiguration.shippedProxyTimeout {
            problems.append(
                "\(name("ping-interval")): \(ping) plus the pong timeout of \(pong) (\(name("pong-timeout"))) is above "
                    + "the \(SettingText.duration(NodeConfiguration.shippedProxyTimeout)) after which the shipped nginx "
                    + "cuts a silent client")
        }
        if keepAlive.pongTimeout >= interval {
            problems.append(
                "\(name("pong-timeout")): \(pong) must be shorter than the ping interval of \(ping) "
                    + "(\(name("ping-interval")))")
        }
    }

    private func checkSizes(_ limits: Limits, problems: inout [String]) {
        if isKnown("max-message-bytes", "max-queue-bytes"), limits.maxMessageBytes > limits.maxQueueBytes {
            problems.append(
                "\(name("max-message-bytes")): \(SettingText.bytes(limits.maxMessageBytes)) is above the queue of "
                    + "\(SettingText.bytes(limits.maxQueueBytes)) (\(name("max-queue-bytes"))): such a message could "
                    + "never be delivered")
        }
        if isKnown("max-queue-bytes", "max-node-queue-bytes"), limits.maxQueueBytes > limits.maxNodeQueueBytes {
            problems.append(
                "\(name("max-node-queue-bytes")): \(SettingText.bytes(limits.maxNodeQueueBytes)) for all clients is less "
                    + "than the \(SettingText.bytes(limits.maxQueueBytes)) of one (\(name("max-queue-bytes")))")
        }
        if isKnown("max-header-field-bytes", "max-header-bytes"),
            limits.maxHeaderFieldBytes > limits.maxHeaderListBytes
        {
            problems.append(
                "\(name("max-header-field-bytes")): \(SettingText.bytes(limits.maxHeaderFieldBytes)) is above the "
                    + "\(SettingText.bytes(limits.maxHeaderListBytes)) of all fields (\(name("max-header-bytes")))")
        }
    }

    private func checkFiles(_ limits: Limits, problems: inout [String]) {
        let needed =
            limits.maxConnections + limits.maxPendingConnections + limits.maxAdminConnections + Self.reservedFiles
        guard isKnown("max-connections", "max-pending-connections", "max-admin-connections"),
            needed > machine.maxOpenFiles
        else { return }
        // The default of one makes room for the others, so what was given is to blame.
        let cause =
            ["max-connections", "max-pending-connections"].first { given[$0] != nil } ?? "max-admin-connections"
        problems.append(
            "\(name(cause)): \(limits.maxConnections) clients, \(limits.maxPendingConnections) sockets without a session, "
                + "\(limits.maxAdminConnections) connections of the admin port and \(Self.reservedFiles) files of the node itself make \(needed) open files, and the system allows "
                + "\(machine.maxOpenFiles); raise that (ulimit -Hn, LimitNOFILE=, ulimits:) or lower the numbers")
    }

    /// What was given and changes nothing here.
    func withoutEffect(_ configuration: NodeConfiguration) -> [String] {
        var warnings = redisWithoutEffect(configuration) + addressesWithoutEffect(configuration)
        if !configuration.compression.isOn {
            warnings += ["compression-threshold", "compression-client-context"]
                .compactMap { given[$0]?.origin }.map { "\($0) has no effect: compression is off" }
        }
        return warnings + tlsWithoutEffect(configuration)
    }

    private func redisWithoutEffect(_ configuration: NodeConfiguration) -> [String] {
        if given["redis"] == nil {
            return ["redis-prefix", "redis-ca-file", "redis-timeout", "redis-probe-interval"]
                .compactMap { given[$0]?.origin }.map { "\($0) has no effect: there is no redis" }
        }
        guard !configuration.redis.isEmpty, !configuration.redis.contains(where: \.tls),
            let origin = given["redis-ca-file"]?.origin
        else { return [] }
        return ["\(origin) has no effect: the URL of Redis is not rediss://"]
    }

    /// Whether two listeners with the same port get in each other's way.
    private static func overlap(_ host: String, _ other: String) -> Bool {
        let all: Set = ["0.0.0.0", "::"]
        return host == other || all.contains(host) || all.contains(other)
    }

    func text(_ setting: String) -> String? {
        guard case .text(let text)? = given[setting]?.value else { return nil }
        return text
    }

    private func duration(_ setting: String) -> Duration? {
        guard case .duration(let duration)? = given[setting]?.value else { return nil }
        return duration
    }

    func isKnown(_ settings: String...) -> Bool { refused.isDisjoint(with: settings) }

    func name(_ setting: String) -> String { given[setting]?.origin ?? "default of \(setting)" }

    func range(_ setting: String) -> String {
        Setting.all.first { $0.name == setting }?.range ?? ""
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }
}

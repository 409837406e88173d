import FanfareCore
import FanfareRedis

/// What one setting alone can't tell: defaults that depend on the machine, values that have to fit each other.
struct ConfigurationChecks {
    let machine: Machine
    /// What was given, by name, with its origin.
    let given: [String: (value: SettingValue, origin: String)]

    /// Descriptors that are not clients: listeners, Redis, logs, the admin port.
    private static let reservedFiles = 100

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
            configuration.loops = min(64, machine.cores)
            note("loops", "\(configuration.loops)", "default (cores)")
        }
        let files = machine.maxOpenFiles
        if given["max-pending-connections"] == nil, configuration.limits.maxPendingConnections > files / 4 {
            configuration.limits.maxPendingConnections = max(1, files / 4)
            note(
                "max-pending-connections", "\(configuration.limits.maxPendingConnections)",
                "default (open files: \(files))")
        }
        let room = files - configuration.limits.maxPendingConnections - Self.reservedFiles
        if given["max-connections"] == nil, configuration.limits.maxConnections > room {
            configuration.limits.maxConnections = max(1, room)
            note("max-connections", "\(configuration.limits.maxConnections)", "default (open files: \(files))")
        }
        completeRedis(&configuration, problems: &problems, note: note)
    }

    private func completeRedis(
        _ configuration: inout NodeConfiguration, problems: inout [String],
        note: (String, String, String) -> Void
    ) {
        guard case .text(let url)? = given["redis"]?.value, let origin = given["redis"]?.origin else { return }
        do {
            var redis = try RedisConfiguration(url: url)
            if case .text(let prefix)? = given["redis-prefix"]?.value { redis.prefix = prefix }
            if case .text(let file)? = given["redis-ca-file"]?.value { redis.caFile = file }
            if case .duration(let time)? = given["redis-timeout"]?.value {
                redis.commandTimeout = time
                redis.connectTimeout = min(redis.connectTimeout, time)
            }
            if case .duration(let time)? = given["redis-probe-interval"]?.value { redis.probeInterval = time }
            redis.maxPayloadBytes = configuration.limits.maxQueueBytes
            configuration.redis = redis
            note("redis", redis.redactedURL, origin)
        } catch {
            problems.append("\(origin): *** \(error)")
        }
    }

    /// Holds values against each other.
    func check(_ configuration: NodeConfiguration, problems: inout [String]) {
        let limits = configuration.limits
        if configuration.nodeName.count > 64 || !configuration.nodeName.allSatisfy(Self.isNameCharacter) {
            problems.append(
                "\(name("node-name")): '\(configuration.nodeName)' is not allowed; allowed: up to 64 letters, digits, "
                    + "'.', '_', '-'")
        }
        if let interval = configuration.keepAlive.pingInterval {
            if interval + configuration.keepAlive.pongTimeout > NodeConfiguration.shippedProxyTimeout {
                problems.append(
                    "\(name("ping-interval")): \(SettingText.duration(interval)) plus the pong timeout of "
                        + "\(SettingText.duration(configuration.keepAlive.pongTimeout)) is above the "
                        + "\(SettingText.duration(NodeConfiguration.shippedProxyTimeout)) after which the shipped nginx "
                        + "cuts a silent client")
            }
            if configuration.keepAlive.pongTimeout >= interval {
                problems.append(
                    "\(name("pong-timeout")): \(SettingText.duration(configuration.keepAlive.pongTimeout)) must be "
                        + "shorter than the ping interval of \(SettingText.duration(interval))")
            }
        }
        if limits.maxMessageBytes > limits.maxQueueBytes {
            problems.append(
                "\(name("max-message-bytes")): \(limits.maxMessageBytes) is above max-queue-bytes "
                    + "(\(limits.maxQueueBytes)): such a message could never be delivered")
        }
        if limits.maxHeaderFieldBytes > limits.maxHeaderListBytes {
            problems.append(
                "\(name("max-header-field-bytes")): \(limits.maxHeaderFieldBytes) is above max-header-bytes "
                    + "(\(limits.maxHeaderListBytes))")
        }
        if configuration.port == configuration.adminPort, configuration.port != 0 {
            problems.append("\(name("admin-port")): \(configuration.adminPort) is the clients' port too")
        }
        let needed = limits.maxConnections + limits.maxPendingConnections + Self.reservedFiles
        if given["max-connections"] != nil, needed > machine.maxOpenFiles {
            problems.append(
                "\(name("max-connections")): \(limits.maxConnections) clients need \(needed) open files and the system "
                    + "allows \(machine.maxOpenFiles); raise it (ulimit -Hn, LimitNOFILE=, ulimits:) or lower the number"
            )
        }
    }

    private func name(_ setting: String) -> String { given[setting]?.origin ?? "default of \(setting)" }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }
}

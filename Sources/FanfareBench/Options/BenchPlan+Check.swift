import FanfareRedis
import FanfareWire
import NIOCore
import NIOSSL

extension BenchPlan {
    /// Reads all options, or throws all problems.
    public init(_ options: BenchOptions, machine: BenchMachine) throws(BenchProblems) {
        var check = OptionCheck()
        let target = check.endpoint("the URL", options.url, schemes: ["ws", "wss"])
        clients = check.integer("--clients", options.clients, in: 1...1_000_000)
        channels = check.integer("--channels", options.channels, in: 1...1_000_000)
        rate = check.number("--rate", options.rate, in: 0.01...1_000_000)
        burst = check.integer("--burst", options.burst, in: 1...100_000)
        size = check.integer("--size", options.size, in: Stamp.minimumPayload...1_048_576)
        duration = check.duration("--duration", options.duration, in: .milliseconds(100)...(.seconds(86_400)))
        ramp = check.number("--ramp", options.ramp, in: 1...1_000_000)
        connectTimeout = check.duration(
            "--connect-timeout", options.connectTimeout, in: .milliseconds(100)...(.seconds(600)))
        threads = options.threads.map { check.integer("--threads", $0, in: 1...1_024) } ?? machine.cores
        transport = check.choice("--protocol", options.transport, .raw)
        publisher = check.choice("--publish", options.publish, .websocket)
        channelPrefix = options.channelPrefix
        do throws(ChannelNameError) {
            _ = try ChannelName("\(options.channelPrefix)\(channels - 1)")
        } catch {
            check.problem("--channel-prefix '\(options.channelPrefix)' makes no channel names: \(error)")
        }
        sourceAddresses = check.addresses(options.sourceAddresses)
        metrics = options.metricsURLs.compactMap { check.endpoint("--metrics-url", $0, schemes: ["http"]) }
        publishURL = check.publishURL(options.publishURL, publisher: publisher, target: options.url)
        redisPrefix = options.redisPrefix
        insecure = options.insecure
        caFile = check.caFile(options.caFile, insecure: insecure)
        if transport == .raw, channels > 1, let path = target?.path, !path.contains("{channel}") {
            check.problem(
                "the URL's path '\(path)' is the same for all channels: put {channel} into it, as in "
                    + "/channels/{channel}/ws, or leave it away")
        }
        check.machine(machine, clients: clients, sources: max(1, sourceAddresses.count))
        guard check.problems.isEmpty, let target else { throw BenchProblems(problems: check.problems) }
        self.target = target
    }
}

/// Gathers problems; what it gives for a wrong value is only there to go on with.
private struct OptionCheck {
    private(set) var problems: [String] = []

    mutating func problem(_ text: String) { problems.append(text) }

    mutating func caFile(_ path: String?, insecure: Bool) -> String? {
        guard let path else { return nil }
        if insecure { problem("--ca-file: with --insecure nobody is asked; leave one of them away") }
        let certificates = try? NIOSSLCertificate.fromPEMFile(path)
        if certificates?.isEmpty ?? true { problem("--ca-file '\(path)' is no readable PEM file of certificates") }
        return path
    }

    mutating func integer(_ name: String, _ text: String, in range: ClosedRange<Int>) -> Int {
        if let value = Int(text), range.contains(value) { return value }
        problem("\(name) '\(text)' must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        return range.lowerBound
    }

    mutating func number(_ name: String, _ text: String, in range: ClosedRange<Double>) -> Double {
        if let value = Double(text), range.contains(value) { return value }
        problem("\(name) '\(text)' must be a number from \(range.lowerBound) to \(Int(range.upperBound))")
        return range.lowerBound
    }

    mutating func duration(_ name: String, _ text: String, in range: ClosedRange<Duration>) -> Duration {
        if let value = DurationText.read(text), range.contains(value) { return value }
        let (least, most) = (DurationText.text(range.lowerBound), DurationText.text(range.upperBound))
        problem("\(name) '\(text)' must be a duration from \(least) to \(most), as in 500ms, 30s or 1m30s")
        return range.lowerBound
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ text: String, _ fallback: Choice
    ) -> Choice {
        if let value = Choice(rawValue: text) { return value }
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        problem("\(name) '\(text)' must be one of \(words)")
        return fallback
    }

    mutating func endpoint(_ name: String, _ text: String, schemes: [String]) -> Endpoint? {
        var mistake = ""
        let endpoint = Endpoint.read(text, schemes: schemes, mistake: &mistake)
        if endpoint == nil { problem("\(name) '\(text)' \(mistake)") }
        return endpoint
    }

    mutating func addresses(_ texts: [String]) -> [SocketAddress] {
        texts.compactMap { text in
            let address = try? SocketAddress(ipAddress: text, port: 0)
            if address == nil {
                problem("--source-address '\(text)' must be an address of this machine, as in 127.0.0.2")
            }
            return address
        }
    }

    mutating func publishURL(_ text: String?, publisher: BenchPlan.Publisher, target: String) -> String {
        switch publisher {
        case .websocket:
            guard let text else { return target }
            _ = endpoint("--publish-url", text, schemes: ["ws", "wss"])
            return text
        case .http:
            let text = text ?? "http://127.0.0.1:9000"
            _ = endpoint("--publish-url", text, schemes: ["http"])
            return text
        case .redis:
            let text = text ?? "redis://127.0.0.1:6379"
            do throws(RedisURLError) {
                let redis = try RedisConfiguration(url: text)
                switch redis.address {
                case .sentinel, .cluster:
                    problem("--publish-url: publishing through sentinels or into a Redis Cluster is not supported")
                case .host, .path: break
                }
                if redis.tls { problem("--publish-url: publishing to Redis with TLS is not supported; use redis://") }
            } catch {
                problem("--publish-url \(error)")
            }
            return text
        }
    }

    mutating func machine(_ machine: BenchMachine, clients: Int, sources: Int) {
        // Publishers, event loops and the standard streams.
        let files = clients + 200
        if files > machine.openFiles {
            problem(
                "--clients \(clients) needs \(files) open files and this process may open \(machine.openFiles): "
                    + "raise the limit (ulimit -n \(files)) or ask for fewer clients")
        }
        let needed = (clients + machine.ports - 1) / max(1, machine.ports)
        if needed > sources {
            let example = (1...min(needed, 3)).map { "--source-address 127.0.0.\($0 + 1)" }.joined(separator: " ")
            problem(
                "--clients \(clients): one source address has \(machine.ports) ports, so \(needed) are needed: "
                    + "\(example)\(needed > 3 ? " …" : "") for a server on loopback")
        }
    }
}

import Testing

@testable import FanfareBench

@Suite("Bench options")
struct BenchPlanTests {
    private let machine = BenchMachine(cores: 4, openFiles: 20_000, ports: 28_232)

    private func plan(_ change: (inout BenchOptions) -> Void) throws -> BenchPlan {
        var options = BenchOptions()
        options.url = "ws://127.0.0.1:8000/"
        change(&options)
        return try BenchPlan(options, machine: machine)
    }

    private func problems(_ change: (inout BenchOptions) -> Void) -> [String] {
        do {
            _ = try plan(change)
            return []
        } catch let problems as BenchProblems {
            return problems.problems
        } catch {
            return ["\(error)"]
        }
    }

    @Test("the defaults are a plan")
    func defaults() throws {
        let plan = try plan { _ in }
        #expect(plan.clients == 1_000 && plan.channels == 10 && plan.threads == 4)
        #expect(plan.path(channel: 3) == "/channels/bench-3/ws")
        #expect(plan.publishURL == "ws://127.0.0.1:8000/")
    }

    @Test("every problem is told at once, with the option and what is allowed")
    func allAtOnce() {
        let found = problems {
            $0.url = "http://x"
            $0.clients = "0"
            $0.channels = "many"
            $0.rate = "-1"
            $0.burst = "x"
            $0.size = "39"
            $0.duration = "5"
            $0.transport = "mqtt"
            $0.publish = "mail"
            $0.ramp = "nan"
            $0.sourceAddresses = ["localhost"]
            $0.threads = "0"
            $0.metricsURLs = ["127.0.0.1:9000"]
            $0.connectTimeout = "1ms"
            $0.channelPrefix = "a b"
        }
        let names = [
            "the URL", "--clients", "--channels", "--rate", "--burst", "--size", "--duration", "--ramp",
            "--connect-timeout", "--threads", "--protocol", "--publish", "--channel-prefix", "--source-address",
            "--metrics-url",
        ]
        #expect(found.count == names.count)
        for name in names { #expect(found.contains { $0.hasPrefix(name + " ") }, "\(name)") }
        #expect(found.contains { $0.contains("40 to 1048576") })
    }

    @Test("clients beyond the ports of an address or the open files are told before they fail")
    func machineLimits() throws {
        let found = problems { $0.clients = "60000" }
        #expect(found.count == 2)
        #expect(found.contains { $0.contains("60200 open files") && $0.contains("ulimit -n 60200") })
        #expect(found.contains { $0.contains("3 are needed: --source-address 127.0.0.2") })
        let big = BenchMachine(cores: 1, openFiles: 100_000, ports: 28_232)
        var options = BenchOptions()
        options.url = "ws://127.0.0.1:8000"
        options.clients = "50000"
        options.sourceAddresses = ["127.0.0.2", "127.0.0.3"]
        #expect(try BenchPlan(options, machine: big).sourceAddresses.count == 2)
    }

    @Test("paths: the protocol's own, or the one that was given with the channel in it")
    func paths() throws {
        #expect(try plan { $0.transport = "centrifuge" }.path(channel: 1) == "/connection/websocket")
        #expect(try plan { $0.url = "ws://h:1/x/{channel}/y" }.path(channel: 7) == "/x/bench-7/y")
        #expect(try plan { $0.channelPrefix = "ä/" }.path(channel: 0) == "/channels/%C3%A4%2F0/ws")
        #expect(problems { $0.url = "ws://h:1/x" }.first?.contains("{channel}") == true)
    }

    @Test("where to publish has a default of its own for each way")
    func publishURL() throws {
        #expect(try plan { $0.publish = "http" }.publishURL == "http://127.0.0.1:9000")
        #expect(try plan { $0.publish = "redis" }.publishURL == "redis://127.0.0.1:6379")
        #expect(
            problems {
                $0.publish = "redis"
                $0.publishURL = "http://h"
            }.first?.contains("redis://") == true)
        #expect(
            problems {
                $0.publish = "http"
                $0.publishURL = "redis://h"
            }.count == 1)
    }

    @Test("URLs")
    func endpoints() {
        var mistake = ""
        let read = { (text: String) in Endpoint.read(text, schemes: ["ws", "wss"], mistake: &mistake) }
        #expect(read("ws://h") == Endpoint(scheme: "ws", host: "h", port: 80, path: nil))
        #expect(read("WSS://h:8443/a?b") == Endpoint(scheme: "wss", host: "h", port: 8_443, path: "/a?b"))
        #expect(read("ws://[::1]:8000/")?.host == "::1")
        #expect(read("ws://[::1]:8000/")?.authority == "[::1]:8000")
        for wrong in ["", "h:80", "ws://", "ws://:80", "ws://h:0", "ws://h:99999", "ws://u@h", "ws://h/a b", "ftp://h"]
        {
            #expect(read(wrong) == nil, "\(wrong)")
        }
    }

    @Test("durations as people write them")
    func durations() {
        #expect(DurationText.read("500ms") == .milliseconds(500))
        #expect(DurationText.read("1m30s") == .seconds(90))
        #expect(DurationText.read("2h") == .seconds(7_200))
        for wrong in ["", "5", "s", "1d", "-1s", "1.5s", "99999999999s"] { #expect(DurationText.read(wrong) == nil) }
        #expect(DurationText.text(.milliseconds(1_500)) == "1500ms")
        #expect(DurationText.text(.seconds(90)) == "1m30s")
    }

    @Test("the pace is even, and bursts keep the rate")
    func pace() {
        let even = Pace(rate: 500, burst: 1, duration: .seconds(2))
        #expect(even.total == 1_000 && even.due(0) == 0 && even.due(1) == 2_000 && even.due(999) == 1_998_000)
        let bursts = Pace(rate: 500, burst: 50, duration: .seconds(2))
        #expect(bursts.total == 1_000 && bursts.due(49) == 0 && bursts.due(50) == 100_000)
        #expect(Pace(rate: 0.1, burst: 1, duration: .seconds(1)).total == 1)
    }
}

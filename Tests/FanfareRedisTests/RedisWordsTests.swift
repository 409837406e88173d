import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("Redis' words")
struct RedisWordsTests {
    private func shown(_ words: String, hiding secrets: [String] = ["app", "hunter2"]) -> String {
        RedisWords(words, hiding: secrets).description
    }

    @Test(
        "what a server quotes is not shown, what helps the operator is",
        arguments: [
            (
                "ERR unknown command 'AUTH', with args beginning with: 'app' 'hunter2'",
                "ERR unknown command 'AUTH', with args ***"
            ),
            (
                "ERR unknown command `AUTH`, with args beginning with: `app`, `hunt",
                "ERR unknown command `AUTH`, with args ***"
            ),
            ("ERR unknown command 'hunter2'", "ERR unknown command '***'"),
            ("ERR unknown command 'other'", "ERR unknown command '***'"),
            ("ERR unknown command \"hun", "ERR unknown command \"***"),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                "WRONGPASS invalid username-password pair or user is disabled."
            ),
            (
                "NOPERM User app has no permissions to run the 'xadd' command",
                "NOPERM User *** has no permissions to run the 'xadd' command"
            ),
            ("ERR no hunter2 here,hunter2hunter2", "ERR no *** here,******"),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                "OOM command not allowed when used memory > '***'."
            ),
            ("ERR can't do that, you don't may", "ERR can't do that, you don't may"),
            ("LOADING\u{7}Redis\u{1B}[31m", "LOADING Redis [31m"),
            ("", ""),
        ])
    func words(words: String, shown: String) { #expect(self.shown(words) == shown) }

    @Test("words are cut before they fill a log, and a secret at the cut is not shown")
    func long() {
        let long = shown(String(repeating: "x", count: 100_000))
        #expect(long.utf8.count <= RedisBounds.errorBytes + 3)
        for place in 230..<260 {
            let text = shown(String(repeating: "x", count: place) + "hunter2" + String(repeating: "y", count: 900))
            #expect(!text.contains("hunter2"))
        }
    }

    @Test("of two secrets of which one holds the other nothing is left over")
    func nested() {
        #expect(shown("ERR hunter2hunter2x", hiding: ["hunter2", "hunter2x"]) == "ERR ******")
        #expect(shown("ERR abc", hiding: [""]) == "ERR abc")
    }

    @Test("passwords and users of Redis and of its sentinels are secrets")
    func secrets() throws {
        let url = "redis+sentinel://app:hunter2@s1:1,s2:2/main?sentinel-user=guard&sentinel-password=hunter3"
        let configuration = try #require(try RedisConfiguration.list(url).first)
        #expect(configuration.secrets.sorted() == ["app", "guard", "hunter2", "hunter3"])
        #expect(configuration.showing("ERR hunter2 hunter3").description == "ERR *** ***")
    }

    @Test("clients learn that the broker refused, and nothing of its words")
    func error() {
        #expect("\(BrokerError.refused("WRONGTYPE hunter2 @user_script:21"))" == "broker refused the command")
    }

    @Test("a line in a while, and how many were held back")
    func throttle() {
        var throttle = LogThrottle(interval: .seconds(10))
        #expect(throttle.take(now: 5) == 0)
        for now in UInt64(6)..<9 { #expect(throttle.take(now: now) == nil) }
        #expect(throttle.take(now: 10_000_005) == 3)
        #expect(throttle.take(now: 30_000_000) == 0)
    }

    @Test("a server that quotes the log-in puts no secret into the status of the broker")
    func status() async throws {
        try await WordyRedis.run { verb in
            verb == "AUTH" ? "ERR unknown command 'AUTH', with args beginning with: 'app' 'hunter2'" : nil
        } _: { server in
            let probe = try BrokerProbe.redis("redis://app:hunter2@127.0.0.1:\(server.port)")
            try await eventually("the log-in was refused") { probe.broker.status.problem?.contains("AUTH") == true }
            let problem = try #require(probe.broker.status.problem)
            #expect(problem.contains("unknown command") && !problem.contains("hunter2") && !problem.contains("app"))
            await probe.broker.shutdown()
        }
    }
}

import FanfareCore
import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Log of refused clients")
struct RefusalLogTests {
    @Test("five lines at once, then one a second, and the next one says how many were held back")
    func budget() {
        var budget = LineBudget()
        let answers = (0..<10).map { _ in budget.take(now: 1_000_000) }
        #expect(answers == [0, 0, 0, 0, 0, nil, nil, nil, nil, nil])
        #expect(budget.take(now: 1_999_999) == nil)
        #expect(budget.take(now: 2_000_000) == 6)
        #expect(budget.take(now: 2_000_001) == nil)
        #expect(budget.take(now: 3_000_000) == 1)
    }

    @Test("what was held back is told after ten seconds, once, when no further line comes")
    func summary() {
        var budget = LineBudget()
        for _ in 0..<8 { _ = budget.take(now: 5_000_000) }
        #expect(budget.summary(now: 14_999_999) == nil)
        #expect(budget.summary(now: 15_000_000) == 3)
        #expect(budget.summary(now: 30_000_000) == nil)
        #expect(budget.take(now: 30_000_000) == 0)
    }

    @Test("a flood of one kind hides no other kind")
    func kinds() {
        let capture = LogCapture()
        let log = RefusalLog(capture.logger())
        for number in 0..<10_000 { log.note(.refused(.badRequest), now: 1, "bad \(number)", [:]) }
        log.note(.ended(.slow), now: 1, "slow", ["code": "3008"])
        #expect(capture.all == (0..<5).map { "info: bad \($0)" } + ["info: slow code=3008"])
        log.note(.refused(.badRequest), now: 1_000_001, "later", ["address": "192.0.2.1"])
        #expect(capture.all.last == "info: later address=192.0.2.1 not-logged=9995 more like this")
        for _ in 0..<10 { log.note(.refused(.origin), now: 2_000_000, "page", [:]) }
        log.tellSuppressed(now: 11_999_999)
        #expect(capture.all.last == "info: page")
        log.tellSuppressed(now: 12_000_000)
        #expect(capture.all.last == "info: 5 more, not logged one by one: clients refused, origin")
    }

    @Test("codes and reasons of applications share one budget, however many there are")
    func applications() throws {
        let capture = LogCapture()
        let log = RefusalLog(capture.logger())
        for number in 0..<1_000 {
            let end = try #require(ApplicationDisconnect(code: 4_000 + UInt16(number), reason: "\(number)"))
            log.note(.ended(.application(end)), now: 1, "ended \(number)", [:])
        }
        #expect(capture.all == (0..<5).map { "info: ended \($0)" })
        log.tellSuppressed(now: 10_000_001)
        #expect(capture.all.last == "info: 995 more, not logged one by one: clients ended by an application")
    }

    @Test("what is refused at the admin port is a warning, and so is the count of what was held back")
    func admin() {
        let capture = LogCapture()
        let log = RefusalLog(capture.logger(.warning))
        for _ in 0..<7 { log.note(.adminForeign, now: 1, "from a page") }
        log.note(.apiKey, now: 1, "no key")
        log.tellSuppressed(now: 10_000_001)
        #expect(
            capture.all == Array(repeating: "warning: from a page", count: 5)
                + ["warning: 2 more, not logged one by one: admin requests from elsewhere"])
    }

    @Test("a line is not even made when its level is off or its kind has had its share")
    func lazy() {
        let capture = LogCapture()
        let log = RefusalLog(capture.logger(.warning))
        var made = 0
        func text() -> String {
            made += 1
            return "x"
        }
        log.note(.apiKey, now: 1, text(), [:])
        #expect(made == 0 && capture.all.isEmpty)
        let open = RefusalLog(capture.logger())
        for _ in 0..<100 { open.note(.apiKey, now: 1, text(), [:]) }
        #expect(made == 5)
    }

    @Test("a message that quotes line breaks and terminal codes stays one plain line, and a long one is cut")
    func forged() {
        #expect(RefusalLog.printable("a\nb\u{1B}[2Jc\u{85}d\u{7F}") == "a?b?[2Jc?d?")
        #expect(RefusalLog.printable("größe 😀") == "größe 😀")
        #expect(RefusalLog.printable(String(repeating: "x", count: 10_000)).count == 400)
    }

    @Test("every way in which the node ends a client has a line, but for those that refuse nothing")
    func levels() {
        let silent = Disconnect.builtIn.filter { $0.logLevel == nil }
        #expect(silent == [.normal, .abnormal, .serviceRestart])
        #expect(Disconnect.builtIn.filter { $0.logLevel == .debug } == [.expired, .writeError, .noPong])
    }
}

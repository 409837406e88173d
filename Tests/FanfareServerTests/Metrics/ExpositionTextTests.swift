import FanfareCore
import Testing

@testable import FanfareServer

@Suite("Exposition text")
struct ExpositionTextTests {
    @Test("backslash, line feed and, in labels, the quote are escaped; nothing else is")
    func escaping() {
        var text = Exposition()
        text.family("m", .gauge, "a\\b\nc\"d", [([("one", "x\\y\n\"z\""), ("two", "größe {},=\t")], 1)])
        #expect(
            text.text == """
                # HELP m a\\\\b\\nc"d
                # TYPE m gauge
                m{one="x\\\\y\\n\\"z\\"",two="größe {},=\t"} 1

                """
        )
    }

    @Test(
        "numbers are written so that Prometheus reads the same value",
        arguments: [
            (0, "0"), (-3, "-3"), (1_700_000_000.25, "1700000000.25"), (9_007_199_254_740_991, "9007199254740991"),
            (0.00005, "5e-05"), (1e18, "1e+18"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)]
    )
    func numbers(value: Double, written: String) {
        var text = Exposition()
        text.add("m", .gauge, "h", value)
        #expect(text.text.hasSuffix("\nm \(written)\n"))
    }

    @Test("a histogram is cumulative, in seconds, and its count is its last bucket")
    func histogram() {
        var text = Exposition()
        text.histogram("m_seconds", "h", bounds: [50, 1_000_000], buckets: [2, 0, 3], sumMicroseconds: 4_500_000)
        #expect(
            text.text == """
                # HELP m_seconds h
                # TYPE m_seconds histogram
                m_seconds_bucket{le="5e-05"} 2
                m_seconds_bucket{le="1"} 2
                m_seconds_bucket{le="+Inf"} 5
                m_seconds_sum 4.5
                m_seconds_count 5

                """
        )
    }
}

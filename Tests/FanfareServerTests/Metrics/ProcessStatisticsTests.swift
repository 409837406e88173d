#if os(Linux)
import Foundation
import Testing

@testable import FanfareServer

@Suite("Process statistics")
struct ProcessStatisticsTests {
    @Test("they are those of this process")
    func plausible() throws {
        let statistics = ProcessStatistics.current
        let resident = try #require(statistics.residentBytes)
        let virtual = try #require(statistics.virtualBytes)
        #expect(resident > 1_000_000 && resident < virtual)
        #expect(try #require(statistics.cpuSeconds) >= 0)
        let age = Date().timeIntervalSince1970 - (try #require(statistics.startTime))
        #expect(age > -1 && age < 24 * 3_600)
        #expect(try #require(statistics.maxFiles) >= (try #require(statistics.openFiles)))
    }

    @Test("open descriptors are counted")
    func descriptors() throws {
        // Tests beside this one open and close some too: many more than they would.
        let before = try #require(ProcessStatistics.current.openFiles)
        let files = try (0..<300).map { _ in try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/null")) }
        let during = try #require(ProcessStatistics.current.openFiles)
        #expect(during >= before + 200)
        for file in files { try file.close() }
    }
}
#endif

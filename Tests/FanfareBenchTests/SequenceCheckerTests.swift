import Testing

@testable import FanfareBench

@Suite("Sequence checker")
struct SequenceCheckerTests {
    private func verdicts(_ numbers: [UInt32]) -> [SequenceChecker.Verdict] {
        var checker = SequenceChecker()
        return numbers.map { checker.note($0) }
    }

    @Test("numbers in their order are right")
    func inOrder() {
        #expect(verdicts(Array(0..<1_000)).allSatisfy { $0 == .next })
    }

    @Test("a hole is told with its size, also at the very beginning")
    func skipped() {
        #expect(verdicts([0, 3, 4]) == [.next, .skipped(2), .next])
        #expect(verdicts([5, 6]) == [.skipped(5), .next])
        #expect(verdicts([1_000_000]) == [.skipped(1_000_000)])
    }

    @Test("one that comes late is not one that comes twice")
    func lateOrRepeated() {
        #expect(verdicts([0, 2, 1, 3]) == [.next, .skipped(1), .late, .next])
        #expect(verdicts([0, 1, 1, 0, 2]) == [.next, .next, .repeated, .repeated, .next])
        #expect(verdicts([0, 3, 1, 1, 3, 2]) == [.next, .skipped(2), .late, .repeated, .repeated, .late])
    }

    @Test("memory reaches back 64 numbers, also over a big hole")
    func memory() {
        #expect(verdicts([0, 64, 1, 0]) == [.next, .skipped(63), .late, .repeated])
        #expect(verdicts([0, 63, 0]) == [.next, .skipped(62), .repeated])
        #expect(verdicts([200, 136, 137]) == [.skipped(200), .repeated, .late])
        #expect(verdicts(Array(0..<100) + [0]).last == .repeated)
    }
}

import FanfareTestKit
import Testing

@testable import FanfareWire

@Suite("Values by wire format")
struct PerFormatTests {
    @Test("they are what a dictionary with the same changes holds")
    func model() {
        var random = SeededRandom(seed: 11)
        var (values, model) = (PerFormat<Int>(), [WireFormat: Int]())
        for step in 0..<20_000 {
            let format = WireFormat(id: UInt16.random(in: 0..<12, using: &random))
            switch (Int.random(in: 0..<3, using: &random), values.index(of: format)) {
            case (0, let index?):
                values.remove(at: index)
                model[format] = nil
            case (_, let index?):
                values.update(at: index) { $0 = step }
                model[format] = step
            case (_, nil):
                let index = values.add(format, step)
                #expect(values[index].format == format)
                model[format] = step
            }
            #expect(values.count == model.count && values.isEmpty == model.isEmpty)
            #expect(values[format] == model[format])
            #expect(Dictionary(uniqueKeysWithValues: values.map { ($0.format, $0.value) }) == model)
        }
    }
}

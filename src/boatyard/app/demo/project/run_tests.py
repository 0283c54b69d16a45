"""Runs the tests and writes report.xml (JUnit), with nothing but the standard library."""

import sys
import time
import unittest
from xml.etree import ElementTree


class Report(unittest.TextTestResult):
    def startTest(self, test):
        self.begun = time.perf_counter()
        super().startTest(test)

    def stopTest(self, test):
        case = ElementTree.SubElement(suite, "testcase", classname=type(test).__name__, name=test._testMethodName)
        case.set("time", f"{time.perf_counter() - self.begun:.4f}")
        for kind, found in (("failure", self.failures), ("error", self.errors)):
            for failed, trace in found:
                if failed is test:
                    told = next((line for line in trace.splitlines()[1:] if line[:1].strip()), kind)
                    ElementTree.SubElement(case, kind, message=told).text = trace
        super().stopTest(test)


suite = ElementTree.Element("testsuite", name="berths")
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Report).run(
    unittest.defaultTestLoader.discover("tests", top_level_dir=".")
)
suite.set("tests", str(result.testsRun))
ElementTree.ElementTree(suite).write("report.xml", encoding="utf-8", xml_declaration=True)
sys.exit(not result.wasSuccessful())

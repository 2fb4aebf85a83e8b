// Package poster makes printable posters: a QR code that opens the bot at a facility, the number and
// keyword for text messages, and in each language what to do. It is a pure function of what it is given:
// the same poster of the same day is the same bytes.
package poster

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/qr"
)

// A Poster is what is printed on one A4 page.
type Poster struct {
	Title     string // the facility, or what it is about
	Link      string // that the QR code opens, "" for no code
	Number    string // for text messages, "" for none
	Keyword   string // to send to it
	Emergency string // number everyone should see
	Blocks    []Block
	Version   string
	Date      time.Time
}

// A Block is what a poster says in one language.
type Block struct {
	Language string // its own name
	Lines    []string
}

// Measures of the page in mm.
const (
	page    = 210.0
	bottom  = 297.0
	margin  = 15.0
	qrSize  = 75.0
	corner  = 4.0  // of the version and date
	danger  = 22.0 // of the band with the emergency number
	biggest = 12.5 // points of the blocks' text; it gets smaller until all fits
	least   = 8.0  // below this nobody reads it standing
)

// errFull is returned for more text than a page holds.
var errFull = errors.New("the texts do not fit on one page: give a topic with a shorter action, or none")

// Write writes the poster as a PDF.
func (p Poster) Write(w io.Writer) error {
	for size := biggest; size >= least; size -= 0.5 {
		pdf, fits, err := p.draw(size)
		if err != nil {
			return err
		}
		if fits {
			return pdf.Output(w)
		}
	}
	return errFull
}

// draw lays the poster out with blocks of a size, and reports whether they fit.
func (p Poster) draw(size float64) (*fpdf.Fpdf, bool, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetCreationDate(p.Date)
	pdf.SetModificationDate(p.Date)
	pdf.SetCatalogSort(true)
	pdf.SetTitle("Faro", true)
	pdf.AddPage()
	latin := pdf.UnicodeTranslatorFromDescriptor("cp1252")
	var foreign error
	text := func(s string) string {
		t := latin(s)
		if strings.Count(t, ".") > strings.Count(s, ".") { // what the font lacks becomes a dot
			foreign = fmt.Errorf("%q has characters the poster's font lacks", s)
		}
		return t
	}

	pdf.SetFont("Helvetica", "B", 40)
	pdf.CellFormat(0, 16, "Faro", "", 1, "L", false, 0, "")
	pdf.SetFont("Helvetica", "B", 18)
	pdf.MultiCell(0, 8, text(p.Title), "", "L", false)
	top := pdf.GetY() + 4

	right := margin
	if p.Link != "" {
		if err := code(pdf, p.Link, margin, top); err != nil {
			return nil, false, err
		}
		pdf.SetFont("Helvetica", "", 10)
		pdf.SetXY(margin, top+qrSize+1)
		pdf.CellFormat(qrSize, 5, text(strings.TrimPrefix(p.Link, "https://")), "", 0, "C", false, 0, "")
		right = margin + qrSize + 10
	}
	if p.Number != "" {
		pdf.SetXY(right, top+8)
		pdf.SetFont("Helvetica", "B", 16)
		pdf.CellFormat(page-margin-right, 10, "SMS", "", 2, "L", false, 0, "")
		pdf.SetFont("Helvetica", "B", 24)
		pdf.CellFormat(page-margin-right, 14, text(p.Number), "", 2, "L", false, 0, "")
		pdf.SetFont("Helvetica", "B", fit(pdf, text(p.Keyword), page-margin-right, 34))
		pdf.CellFormat(page-margin-right, 20, text(p.Keyword), "", 2, "L", false, 0, "")
	}
	pdf.SetXY(margin, top+qrSize+9)
	if p.Link == "" {
		pdf.SetXY(margin, top+62)
	}
	line := size * 0.46 // mm for each point
	for _, b := range p.Blocks {
		pdf.SetX(margin)
		pdf.SetFont("Helvetica", "B", size)
		pdf.MultiCell(0, line, text(b.Language), "T", "L", false)
		pdf.SetFont("Helvetica", "", size)
		for _, l := range b.Lines {
			pdf.SetX(margin)
			pdf.MultiCell(0, line, text(l), "", "L", false)
		}
		pdf.Ln(line * 0.4)
	}
	end := bottom - margin - danger
	fits := pdf.GetY() <= end

	pdf.SetFillColor(0, 0, 0)
	pdf.Rect(margin, end+2, page-2*margin, danger-corner-4, "F")
	pdf.SetTextColor(255, 255, 255)
	pdf.SetXY(margin, end+2)
	pdf.SetFont("Helvetica", "B", 34)
	pdf.CellFormat(page-2*margin, danger-corner-4, "SOS "+text(p.Emergency), "", 0, "C", false, 0, "")
	pdf.SetTextColor(90, 90, 90)
	pdf.SetFont("Helvetica", "", 7)
	pdf.SetXY(margin, bottom-margin-corner)
	pdf.CellFormat(page-2*margin, corner, text("Faro "+p.Version+" · "+p.Date.Format(time.DateOnly)), "", 0, "R", false, 0, "")
	if foreign == nil {
		foreign = pdf.Error()
	}
	return pdf, fits, foreign
}

// fit is the size at which a text is at most so wide.
func fit(pdf *fpdf.Fpdf, text string, width, size float64) float64 {
	for ; size > least; size-- {
		pdf.SetFont("Helvetica", "B", size)
		if pdf.GetStringWidth(text) <= width-2 {
			break
		}
	}
	return size
}

// code draws a link as a QR code. A quarter of it may be torn or dirty (error correction Q).
func code(pdf *fpdf.Fpdf, link string, x, y float64) error {
	c, err := qr.Encode(link, qr.Q, qr.Auto)
	if err != nil {
		return fmt.Errorf("make a QR code: %w", err)
	}
	n := c.Bounds().Dx()
	const quiet = 4 // modules of white around it (ISO/IEC 18004)
	module := qrSize / float64(n+2*quiet)
	pdf.SetFillColor(0, 0, 0)
	for row := range n {
		for col := range n {
			if r, _, _, _ := c.At(col, row).RGBA(); r == 0 {
				pdf.Rect(x+float64(col+quiet)*module, y+float64(row+quiet)*module, module+0.01, module+0.01, "F")
			}
		}
	}
	return nil
}
